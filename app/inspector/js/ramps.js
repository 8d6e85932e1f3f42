// Colour scales, perceptually uniform (16 samples of matplotlib's viridis and plasma, linear between).

import { clamp, lastOf } from '../../js/util.js';

/** @typedef {'viridis' | 'plasma'} RampName */

const RAMPS = {
  viridis: [
    '#440154',
    '#481a6c',
    '#472f7d',
    '#414487',
    '#39568c',
    '#31688e',
    '#2a788e',
    '#23888e',
    '#1f988b',
    '#22a884',
    '#35b779',
    '#54c568',
    '#7ad151',
    '#a5db36',
    '#d2e21b',
    '#fde725',
  ],
  plasma: [
    '#0d0887',
    '#330597',
    '#5002a2',
    '#6a00a8',
    '#8405a7',
    '#9c179e',
    '#b12a90',
    '#c33d80',
    '#d35171',
    '#e16462',
    '#ed7953',
    '#f68f44',
    '#fca636',
    '#fec029',
    '#f9dc24',
    '#f0f921',
  ],
};

/** @param {string} hex @returns {Rgb} */
export const rgbOf = (hex) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return [r, g, b];
};
const rampStops = { viridis: RAMPS.viridis.map(rgbOf), plasma: RAMPS.plasma.map(rgbOf) };

/** @param {RampName} name @param {number} share @returns {Rgb} */
export function rampColour(name, share) {
  const stops = rampStops[name];
  const place = clamp(Number.isFinite(share) ? share : 0, 0, 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [stops[low], stops[low + 1]];
  /** @param {0 | 1 | 2} c */
  const between = (c) => Math.round(from[c] + (to[c] - from[c]) * (place - low));
  return [between(0), between(1), between(2)];
}

/** @param {Rgb} rgb @param {number} [alpha] */
export const cssColour = ([r, g, b], alpha = 1) => `rgba(${r}, ${g}, ${b}, ${alpha})`;
/** @param {RampName} name */
export const rampGradient = (name) => `linear-gradient(to right, ${RAMPS[name].join(', ')})`;

// One scale for all pictures, recipes and models, so that a colour means the same everywhere. Below its low end
// colours no longer differ.
const SIMILARITY_SCALE = { low: 0.5, high: 1 };
export const similarityScale = () => SIMILARITY_SCALE;

// Of a link whose similarity nobody measured, grey: the scale would call it unlike.
/** @param {Scale} scale @param {number} similarity */
export const linkColour = (scale, similarity) =>
  Number.isFinite(similarity) ? cssColour(rampColour('viridis', scaleShare(scale, similarity))) : '#9aa3b2';

/** @param {Scale} scale @param {number} value */
export const scaleShare = ({ low, high }, value) => (value - low) / (high - low);
/** @param {Pick<Run, 'sizes'>} run */
export const largestGroup = (run) => lastOf(run.sizes).reduce((top, size) => Math.max(top, size), 1);
// Doublings count alike: 1, 2, 4, 8 ... are evenly spaced.
/** @param {number} size @param {number} largest */
export const sizeShare = (size, largest) => (largest > 1 ? Math.log2(size) / Math.log2(largest) : 0);
