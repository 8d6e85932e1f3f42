// Whether the server still answers: asked after a while of silence, and again until it does.

/**
 * @typedef {object} WatchParts
 * @property {() => Promise<boolean>} ping
 * @property {(isGone: boolean) => void} tell
 * @property {() => number} [now]
 * @property {Later} [later]
 * @property {number} [patience]
 */

const PATIENCE_MS = 10_000;
const PING_MS = 8_000;

// Watches what was asked. ping: a promise of whether the server answers; tell(isGone): that changed.
/** @param {WatchParts} watchParts */
export function createWatch({ ping, tell, now = () => performance.now(), later = setTimeout, patience = PATIENCE_MS }) {
  /** @type {{asked: number | null, isGone: boolean, isWaiting: boolean}} */
  const watch = { asked: null, isGone: false, isWaiting: false };

  /** @param {boolean} isGone */
  function turnTo(isGone) {
    if (watch.isGone === isGone) return;
    watch.isGone = isGone;
    tell(isGone);
  }

  /** @param {number} ms */
  function lookIn(ms) {
    if (watch.isWaiting) return;
    watch.isWaiting = true;
    later(() => {
      watch.isWaiting = false;
      look();
    }, ms);
  }

  function look() {
    if (watch.asked === null && !watch.isGone) return undefined;
    const left = watch.isGone || watch.asked === null ? 0 : patience - (now() - watch.asked);
    return left > 0 ? lookIn(left) : suspect();
  }

  // Asks at once. Gives whether the server is there.
  async function suspect() {
    const isThere = await ping();
    if (isThere && watch.asked !== null) watch.asked = now();
    turnTo(!isThere);
    lookIn(watch.isGone ? patience / 2 : patience);
    return isThere;
  }

  return {
    look,
    suspect,
    asked() {
      watch.asked ??= now();
      lookIn(patience);
    },
    answered() {
      watch.asked = null;
      turnTo(false);
    },
    lost() {
      turnTo(true);
      lookIn(patience / 2);
    },
  };
}

// Any answer counts: a server that still loads its model says 503.
export async function pingServer() {
  try {
    const root = window.gradio_config?.root ?? '.';
    await fetch(`${root}/health`, { cache: 'no-store', signal: AbortSignal.timeout(PING_MS) });
    return navigator.onLine !== false;
  } catch {
    return false;
  }
}
