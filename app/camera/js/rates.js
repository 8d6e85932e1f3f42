// Frames a second, from running medians: one slow frame is no trend.

import { runningMedian } from '../../inspector/js/speed.js';
import { agreementText, count } from '../../js/util.js';

const KEPT = 30;

// What is measured of a camera that runs: milliseconds, the latest last.
export function createRates() {
  /** @type {Record<'unmerged' | 'merged' | 'between' | 'delay', number[]>} */
  const kept = { unmerged: [], merged: [], between: [], delay: [] };
  let key = '';
  /** @type {number | null} */
  let drawnAt = null;
  /** @param {keyof typeof kept} name @param {number} ms */
  const keep = (name, ms) => {
    if (!(ms >= 0)) return;
    kept[name].push(ms);
    if (kept[name].length > KEPT) kept[name].shift();
  };
  return {
    // Another recipe or model begins anew: what was measured before is of something else.
    /**
     * @param {string | null} model
     * @param {string | null} recipe
     * @param {Pick<Wire.Frame, 'unmerged' | 'merged'>} frame
     */
    answered(model, recipe, { unmerged, merged }) {
      if (key !== `${model}|${recipe}`) Object.assign(kept, { unmerged: [], merged: [], between: [], delay: [] });
      key = `${model}|${recipe}`;
      keep('unmerged', unmerged.ms);
      keep('merged', merged.ms);
    },
    /** @param {number} takenAt @param {number} now */
    drawn(takenAt, now) {
      if (drawnAt !== null) keep('between', now - drawnAt);
      drawnAt = now;
      keep('delay', now - takenAt);
    },
    // The shown rate must not count the time in which nobody looked.
    paused() {
      drawnAt = null;
    },
    told: () => ({
      frames: kept.merged.length,
      unmerged: perSecond(kept.unmerged),
      merged: perSecond(kept.merged),
      shown: perSecond(kept.between),
      delayMs: kept.delay.length ? runningMedian(kept.delay) : null,
    }),
  };
}

// null before anything was measured.
/** @param {number[]} values */
export function perSecond(values) {
  const median = runningMedian(values);
  return median > 0 ? 1000 / median : null;
}

/** @param {number | null} rate */
export const rateText = (rate) => (rate === null ? '' : `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} / s`);

// Beside the bars: what a person sees, which is slower than either run alone.
/** @param {Pick<ToldRates, 'shown' | 'delayMs'>} toldRates */
export function shownText({ shown, delayMs }) {
  if (shown === null || delayMs === null) return 'measuring';
  return `shown: ${rateText(shown)}, ${Math.round(delayMs)} ms from frame to drawing`;
}

/** @param {Pick<Wire.Frame, 'tokens' | 'agreement'>} frame */
export function liveHeadline({ tokens, agreement }) {
  const [patches, left] = tokens;
  if (patches === left) return [`live: ${count(patches, 'patch')}, none merged`];
  return [
    `live: ${count(patches, 'patch')} became ${count(left, 'token')}`,
    `${agreementText(agreement)} of the mask is the same`,
  ];
}
