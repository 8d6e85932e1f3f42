// What keeps a camera from its pictures, in one sentence each that says what helps.

import { valueNamed } from '../../js/util.js';

/** @type {Record<string, string>} */
const BY_NAME = {
  NotAllowedError:
    'The camera was refused: allow it for this page beside the browser’s address bar, then press “camera” again.',
  SecurityError: 'This browser’s settings forbid the camera: allow it there, then press “camera” again.',
  NotFoundError: 'No camera was found: connect one, then press “camera” again.',
  NotReadableError: 'The camera is used by another program: close that, then press “camera” again.',
};
// The same under names that older browsers use, or that mean no more to a person.
/** @type {Record<string, string>} */
const ALSO = {
  PermissionDeniedError: 'NotAllowedError',
  DevicesNotFoundError: 'NotFoundError',
  OverconstrainedError: 'NotFoundError',
  TrackStartError: 'NotReadableError',
  AbortError: 'NotReadableError',
};

// Older browsers refuse with objects that are no errors, but have a name.
/** @param {{name?: string}} error */
export function cameraSentence({ name = 'Error' }) {
  const known = valueNamed(BY_NAME, valueNamed(ALSO, name) ?? name);
  return known ?? `The camera could not be opened (${name}): press “camera” to try again.`;
}

// Why this page cannot even ask; null where it can. place: {isSecure, hostname, port}
/** @param {boolean} hasDevices @param {{isSecure: boolean, hostname: string, port: string}} given */
export function noCameraHere(hasDevices, { isSecure, hostname, port }) {
  if (hasDevices) return null;
  if (isSecure) return 'This browser gives no camera to pages: another browser may.';
  const own = port || '80';
  const local = port || '7860';
  return (
    'Browsers give the camera only to https pages and to localhost: open this page by https, or use an SSH tunnel ' +
    `(ssh -L ${local}:localhost:${own} ${hostname}) and open http://localhost:${local}.`
  );
}

export const STOPPED = {
  hidden: 'The camera was stopped while nobody saw this tab: press “camera” to go on.',
  ended: 'The camera has stopped by itself: it was unplugged, or its permission was taken back.',
  gone: 'The server did not answer, so the camera was stopped; what is here stays usable.',
  broken: 'The server could not take the camera’s frames: reload the page, then press “camera” again.',
};

export const PRIVATE = 'Frames are computed on this page’s server and not kept.';
export const ASKING = 'Asking the browser for the camera';
export const SLOW = 'Waiting for the device';
