// The address after "#": example, model, recipe, stage, layers, pinned patch, mask view. Foreign keys in it are left
// alone. An upload's picture is not in it, and the link says so.

import { againstFits, againstFrom, againstText } from './against.js';
import { partsOf, textOf } from '../../js/recipe.js';
import { clamp, onceQuiet } from '../../js/util.js';
import { maskModes } from './masks.js';
import { colOf, isInside, rowOf } from './model.js';
import { noticeOf } from './notice.js';
import { layersFrom } from './store.js';

const LINK_KEYS = [
  'example',
  'picture',
  'model',
  'recipe',
  'schedule',
  'stage',
  'layers',
  'patch',
  'masks',
  'split',
  'against',
];
const RECIPE_FORM = /^[\w.()=@,+|-]{1,400}$/;
const OWN_PICTURE = 'not-in-the-link';

export function readLink(hash = window.location.hash) {
  return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}

/** @param {Shown} state */
export function linkParts(state) {
  const { view, layers, source } = state;
  return {
    example: source?.example ?? null,
    picture: source?.example ? null : OWN_PICTURE,
    model: state.model,
    recipe: state.schedule,
    stage: state.stage === Infinity ? null : String(state.stage),
    layers: Object.entries(layers)
      .filter(([, { on }]) => on)
      .map(([name, { opacity }]) => `${name}:${Math.round(opacity * 100)}`)
      .join(','),
    patch: state.pinned === null ? null : `${rowOf(view, state.pinned)}.${colOf(view, state.pinned)}`,
    masks: state.maskMode,
    split: String(Math.round(state.split * 100)),
    against: againstText(state.against),
  };
}

/** @param {Shown} state @param {Link} [before] */
export function writtenLink(state, before = readLink()) {
  const others = Object.entries(before).filter(([key]) => !LINK_KEYS.includes(key));
  const own = Object.entries(linkParts(state)).filter(([, value]) => value !== null);
  const all = [...others, ...own].map(([key, value]) => `${key}=${readable(value ?? '')}`);
  return `#${all.join('&')}`;
}

// Commas, colons and @ are legal there, and a person can read them.
/** @param {string} value */
const readable = (value) => encodeURIComponent(value).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%40/g, '@');

// State from a link; what is malformed is left out.
/** @param {Link} link @param {View} view @returns {Changes} */
export function stateFromLink(link, view) {
  const parts = {};
  if (link.stage && /^\d+$/.test(link.stage)) parts.stage = Number(link.stage);
  if (link.layers !== undefined) parts.layers = layersFromLink(link.layers);
  if (maskModes(view).some(({ value }) => value === link.masks))
    Object.assign(parts, { maskMode: link.masks, modeBefore: null });
  if ('against' in link || 'recipe' in link) parts.against = againstFromLink(link, view);
  if (/^\d+$/.test(link.split ?? '')) parts.split = clamp(Number(link.split) / 100, 0, 1);
  const patch = /^(\d+)\.(\d+)$/.exec(link.patch ?? '');
  const pinned = patch && Number(patch[2]) < view.cols ? Number(patch[1]) * view.cols + Number(patch[2]) : NaN;
  if (pinned < view.rows * view.cols && isInside(view, pinned)) parts.pinned = pinned;
  return parts;
}

const AGAINST_FORM = /^(equal:\w{1,60}|[\w.()=@,+|-]{1,400})$/;

// What the link puts the recipe against; null where this model cannot.
/** @param {Link} link @param {View} view */
function againstFromLink({ against = '' }, view) {
  const wanted = AGAINST_FORM.test(against) ? againstFrom(against) : null;
  return againstFits(wanted, view) ? wanted : null;
}

/** @param {string} text @returns {Record<LayerName, Layer>} */
function layersFromLink(text) {
  /** @type {Map<string, string | undefined>} */
  const given = new Map();
  for (const [name, opacity] of text.split(',').map((part) => part.split(':'))) given.set(name, opacity);
  return layersFrom(({ name, opacity }) => {
    const wanted = Number(given.get(name) ?? NaN);
    return { on: given.has(name), opacity: Number.isFinite(wanted) ? clamp(wanted / 100, 0, 1) : opacity };
  });
}

/** @param {Link} link */
const recipeOf = (link) => link.recipe ?? link.schedule ?? '';

// A recipe that this encoder can run, in its usual spelling; null for anything else. Python has the last word.
/** @param {Link} link @param {Pick<View, 'rules' | 'depth'>} view */
export function scheduleFromLink(link, view) {
  const text = recipeOf(link);
  if (!RECIPE_FORM.test(text)) return null;
  const parts = partsOf(text);
  /** @param {RecipeStage} recipeStage */
  const isKnown = ({ rule }) => view.rules.some(({ name }) => name === rule.split('(')[0]);
  /** @param {number} block */
  const isBlock = (block) => Number.isInteger(block) && block >= 0 && block < view.depth;
  const fits = parts.stages.every((stage) => isKnown(stage) && stage.blocks.every(isBlock));
  return fits ? textOf(parts) : null;
}

const LONGEST_ECHO = 40;
/** @param {string} text */
const echo = (text) => `“${text.length > LONGEST_ECHO ? `${text.slice(0, LONGEST_ECHO - 1)}…` : text}”`;

// What a link asks for before any picture: what the page does not have is named, and left out.
/** @param {Link} link @param {Pick<PageFacts, 'examples' | 'models'>} page @returns {LinkTarget} */
export function linkTarget(link, page) {
  /** @type {string[]} */
  const problems = [];
  /** @param {{name: string}[]} list @param {string | undefined} name @param {string} what */
  const known = (list, name, what) => {
    if (name === undefined || list.some((one) => one.name === name)) return name ?? null;
    problems.push(`${what} ${echo(name)}`);
    return null;
  };
  const example = known(page.examples, link.example, 'an example');
  const model = known(page.models, link.model, 'a model');
  const recipe = RECIPE_FORM.test(recipeOf(link)) ? recipeOf(link) : null;
  return { link, example, model, recipe, problems, isOwnPicture: link.picture === OWN_PICTURE };
}

/** @param {string[]} parts */
const listed = (parts) => [parts.slice(0, -1).join(', '), parts.at(-1)].filter(Boolean).join(' and ');

// One sentence about what could not be applied; empty where all was.
/** @param {LinkTarget} linkTarget @param {View} view */
export function linkProblems({ link, problems, isOwnPicture }, view) {
  const asked = recipeOf(link);
  const recipe = asked && scheduleFromLink(link, view) === null ? [`a recipe ${echo(asked)}`] : [];
  const isDropped = link.against && link.against !== 'none' && againstFromLink(link, view) === null;
  const all = [...problems, ...recipe, ...(isDropped ? [`a recipe beside it, ${echo(link.against ?? '')},`] : [])];
  if (all.length) return `The link names ${listed(all)} that this page cannot open; the rest of it is applied.`;
  return isOwnPicture
    ? 'This link was made for somebody’s own picture, which is not in it: its view is applied to what is open.'
    : '';
}

// Opens what a link names; what only changes the view is applied at once.
/** @param {Link} link @param {Pick<Page, 'store' | 'actions' | 'opening'>} page */
export function followLink(link, { store, actions, opening }) {
  const { state, set } = store;
  if (!LINK_KEYS.some((key) => key in link)) return;
  const target = linkTarget(link, state.page);
  const example = target.example ?? state.source?.example ?? null;
  const model = target.model ?? state.model;
  const isSame = example === (state.source?.example ?? null) && model === state.model;
  if (!isSame && example) opening.example(example, model, target);
  else if (!isSame) opening.again(model, target);
  else if (state.view && !state.pending) applyLink(target, state, set, actions);
  else set({ linkWanted: target });
}

/** @param {LinkTarget} target @param {Shown} state @param {SetState} set @param {Actions} actions */
function applyLink(target, state, set, actions) {
  const { view } = state;
  set({ notice: noticeOf(linkProblems(target, view)), stage: Infinity, ...stateFromLink(target.link, view) });
  const recipe = scheduleFromLink(target.link, view);
  if (recipe) actions.chooseSchedule(recipe);
}

// The address follows once the user has done something, not before.
/** @param {Ui} ui @param {Store} store @param {Page} page */
export function mountLink(ui, store, page) {
  let touched = false;
  const touch = () => {
    touched = true;
  };
  for (const kind of ['pointerdown', 'keydown']) ui.root.addEventListener(kind, touch, true);
  const write = onceQuiet(
    300,
    /** @param {Shown} state */ (state) =>
      !state.pending && history.replaceState(history.state, '', writtenLink(state)),
  );
  store.on(
    ['schedule', 'stage', 'layers', 'pinned', 'maskMode', 'split', 'view', 'pending', 'against'],
    (state) => touched && state.view && write(state),
  );
  window.addEventListener('hashchange', () => followLink(readLink(), page));
  ui.copyLink.addEventListener('click', () => copyLink(ui.copyLink, store.state));
}

/** @param {HTMLButtonElement} button @param {State} state */
async function copyLink(button, state) {
  if (!state.view) return;
  history.replaceState(history.state, '', writtenLink(state));
  const done = await navigator.clipboard?.writeText(window.location.href).then(
    () => true,
    () => false,
  );
  const copied = state.source?.example ? 'Copied' : 'Copied, without your picture';
  button.textContent = done ? copied : 'In the address bar';
  setTimeout(() => {
    button.textContent = 'Copy link';
  }, 1600);
}
