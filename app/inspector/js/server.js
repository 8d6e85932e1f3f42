// Whether the server still answers: asked after a while of silence, and again until it does.

const PATIENCE_MS = 10_000;
const PING_MS = 8_000;

// Watches what was asked. ping: a promise of whether the server answers; tell(isGone): that changed.
export function createWatch({ ping, tell, now = () => performance.now(), later = setTimeout, patience = PATIENCE_MS }) {
  const watch = { asked: null, isGone: false, timer: null };
  const turnTo = (isGone) => {
    if (watch.isGone === isGone) return;
    watch.isGone = isGone;
    tell(isGone);
  };
  const lookAgain = () => {
    watch.timer ??= later(() => {
      watch.timer = null;
      return look();
    }, patience);
  };
  async function look() {
    if (watch.asked === null && !watch.isGone) return;
    if (!watch.isGone && now() - watch.asked < patience) {
      lookAgain();
      return;
    }
    const isThere = await ping();
    if (isThere && !watch.isGone) watch.asked = watch.asked === null ? null : now();
    turnTo(!isThere);
    lookAgain();
  }
  return {
    look,
    asked() {
      watch.asked ??= now();
      lookAgain();
    },
    answered() {
      watch.asked = null;
      turnTo(false);
    },
    lost: () => {
      turnTo(true);
      lookAgain();
    },
    get isGone() {
      return watch.isGone;
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
