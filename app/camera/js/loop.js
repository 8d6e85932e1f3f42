// One frame after the other: the next is taken when the answer of the last has come, so that none ever queues.

/**
 * @typedef {object} LoopParts
 * @property {{isNew: () => boolean, take: () => Taken}} camera
 * @property {(taken: Taken, number: number) => Promise<Wire.FrameAnswer | undefined>} ask
 * @property {Heard} heard
 * @property {(ms?: number) => Promise<unknown>} pause
 * @property {number} [slowMs]
 * @property {number} [againMs]
 */

const SLOW_MS = 5000;
const AGAIN_MS = 600; // after an answer that failed

// camera: {isNew(), take()}; ask(taken, number): a promise of Python's answer; heard: {taken, answered, failed,
// slow, lost}. lost(error): no answer came; whether to go on. Returns a function that ends it: nothing is heard after.
/** @param {LoopParts} loopParts */
export function startLoop({ camera, ask, heard, pause, slowMs = SLOW_MS, againMs = AGAIN_MS }) {
  const loop = { isOn: true, number: 0 };

  async function once() {
    while (loop.isOn && !camera.isNew()) await pause();
    if (!loop.isOn) return;
    const taken = camera.take();
    heard.taken(taken);
    loop.number += 1;
    const answer = await answerTo(taken, loop.number);
    if (!loop.isOn || answer === null) return;
    if (answer.failed === undefined) return heard.answered(taken, answer);
    heard.failed(answer.failed);
    await pause(againMs);
  }

  /** @param {Taken} taken @param {number} number */
  async function answerTo(taken, number) {
    const timer = setTimeout(() => loop.isOn && heard.slow(), slowMs);
    try {
      const answer = await ask(taken, number);
      if (!answer) throw new Error('no answer'); // Gradio keeps its errors to itself
      return answer;
    } catch (error) {
      if (loop.isOn && !(await heard.lost(error))) loop.isOn = false;
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  (async () => {
    while (loop.isOn) await once();
  })();
  return () => {
    loop.isOn = false;
  };
}
