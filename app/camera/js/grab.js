// The browser's camera, and its newest frame as a JPEG.

import { contextOf } from '../../js/util.js';

const WANTED = { video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: 'environment' }, audio: false };
export const FRAME_PX = 256; // shorter side
const LONGEST_PX = 1024; // as Python allows
const QUALITY = 0.8;

export function hasCameras() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

export const openCamera = () => navigator.mediaDevices.getUserMedia(WANTED);

/** @param {MediaStream} stream */
export function stopCamera(stream) {
  for (const track of stream.getTracks()) track.stop();
}

// A video that plays the stream: on the page, where phones let it play, but not seen.
/** @param {HTMLElement} parent @param {MediaStream} stream */
export async function playIn(parent, stream) {
  const video = document.createElement('video');
  Object.assign(video, { muted: true, playsInline: true, autoplay: true, srcObject: stream });
  video.className = 'camera-source';
  video.setAttribute('aria-hidden', 'true');
  parent.append(video);
  await video.play();
  return video;
}

// Its size with a shorter side of 256 pixels; null while the camera has no picture yet.
/** @param {Pick<HTMLVideoElement, 'videoWidth' | 'videoHeight'>} video */
export function frameSize({ videoWidth, videoHeight }) {
  if (!videoWidth || !videoHeight) return null;
  const scale = FRAME_PX / Math.min(videoWidth, videoHeight);
  /** @param {number} length */
  const side = (length) => Math.min(LONGEST_PX, Math.max(1, Math.round(length * scale)));
  return { width: side(videoWidth), height: side(videoHeight) };
}

const CANVASES = 3; // one is shown, one is being decoded, and one is on its way

// Canvases in turns, so that the frame that is drawn is the frame that was computed.
/** @param {HTMLVideoElement} video */
export function createGrabber(video) {
  const canvases = Array.from({ length: CANVASES }, () => document.createElement('canvas'));
  let turn = 0;
  let seen = -1;
  return {
    // Whether the camera has a picture that was not taken yet.
    isNew: () => frameSize(video) !== null && video.currentTime !== seen,
    /** @returns {Taken} of a camera that has a picture */
    take() {
      const size = frameSize(video) ?? { width: 1, height: 1 };
      turn = (turn + 1) % CANVASES;
      const canvas = canvases[turn];
      if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
      const context = contextOf(canvas, { willReadFrequently: true });
      context.drawImage(video, 0, 0, size.width, size.height);
      seen = video.currentTime;
      const jpeg = canvas.toDataURL('image/jpeg', QUALITY);
      return { canvas, ...size, takenAt: performance.now(), jpeg: jpeg.slice(jpeg.indexOf(',') + 1) };
    },
  };
}
