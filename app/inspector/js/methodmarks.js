// How methods are told apart on the chart: by colour, by dashes and by the shape of their points, each pair its own.

import { svgEl, valueNamed } from '../../js/util.js';
import { PAPER_RULE } from '../../js/recipe.js';

/** @typedef {'circle' | 'square' | 'diamond' | 'triangle' | 'cross' | 'down'} Shape */

const DASHES = [null, '6 3', '2 3', '8 3 2 3'];
/** @type {Shape[]} */
const SHAPES = ['circle', 'square', 'diamond', 'triangle', 'cross', 'down'];
const COLOURS = 8; // .m0 to .m7 in the CSS
const KNOWN = [
  PAPER_RULE,
  'bipartite',
  'regions',
  'windows',
  'energy',
  'graph',
  'rounds',
  'budget',
  'pool',
  'random',
  'smaller-picture',
];

// What is no method of choosing well has no colour.
/** @type {Record<string, string>} */
const NAMED_COLOURS = { [PAPER_RULE]: 'paper', random: 'grey', 'smaller-picture': 'dark' };

// {colour (a class), dash, shape} of a method; those of one's own files come after the known ones.
/** @param {string} method @param {string[]} [others] */
export function markOf(method, others = []) {
  const known = KNOWN.indexOf(method);
  const place =
    known >= 0 ? known : KNOWN.length + Math.max(0, others.filter((one) => !KNOWN.includes(one)).indexOf(method));
  const colour = valueNamed(NAMED_COLOURS, method) ?? `m${(place - 1) % COLOURS}`;
  return {
    colour,
    dash: DASHES[place % DASHES.length],
    shape: SHAPES[place % SHAPES.length],
    isPaper: method === PAPER_RULE,
  };
}

/** @type {Record<Exclude<Shape, 'circle'>, (r: number) => string>} */
const PATHS = {
  square: (r) => `M${-r * 0.88} ${-r * 0.88}h${r * 1.76}v${r * 1.76}h${-r * 1.76}z`,
  diamond: (r) => `M0 ${-r * 1.25}L${r * 1.25} 0L0 ${r * 1.25}L${-r * 1.25} 0z`,
  triangle: (r) => `M0 ${-r * 1.2}L${r * 1.15} ${r * 0.9}L${-r * 1.15} ${r * 0.9}z`,
  down: (r) => `M0 ${r * 1.2}L${r * 1.15} ${-r * 0.9}L${-r * 1.15} ${-r * 0.9}z`,
  cross: (r) => crossPath(r, r * 0.42),
};

/** @param {number} r @param {number} w */
function crossPath(r, w) {
  const arms = [
    [-w, -r],
    [w, -r],
    [w, -w],
    [r, -w],
    [r, w],
    [w, w],
    [w, r],
    [-w, r],
    [-w, w],
    [-r, w],
    [-r, -w],
    [-w, -w],
  ];
  return `M${arms.map(([x, y]) => `${x} ${y}`).join('L')}z`;
}

/** @param {Shape} shape @param {string | number} x @param {string | number} y @param {number} r */
export function markShape(shape, x, y, r) {
  if (shape === 'circle') return svgEl('circle', { cx: x, cy: y, r, class: 'mark' });
  return svgEl('path', { d: PATHS[shape](r), transform: `translate(${x} ${y})`, class: 'mark' });
}

// A short piece of the line with a point on it, for the legend.
/** @param {Pick<Mark, 'dash' | 'shape' | 'isPaper'>} mark */
export function markSample({ dash, shape, isPaper }) {
  return svgEl(
    'svg',
    { viewBox: '0 0 30 12', width: 30, height: 12, class: 'sample', 'aria-hidden': 'true' },
    svgEl('line', { x1: 1, x2: 29, y1: 6, y2: 6, 'stroke-dasharray': dash, class: isPaper ? 'strong' : '' }),
    markShape(shape, 15, 6, 3.6),
  );
}
