// Receives messages, each complete in itself, and draws what changed.

import { choice, count, nodesIn, onceQuiet } from '../../js/util.js';
import { showBlocks } from './blocks.js';
import { contendersOf, focusName, shownBeside, thereOf } from './contenders.js';
import { BASELINE_NAME, LAT_SCHEMA } from './numbers.js';
import { showParts } from './parts.js';
import { drawPlot } from './plot.js';
import { showFacts, showRows, showVerdict, showWarnings } from './rows.js';
import { mountSaveCard, showSaveCard } from './savecard.js';
import { onTheme, readTheme } from './theme.js';

const QUIET_AFTER_MS = 20000;
// New rows of a table cost the browser more than new dots, on the very CPU that is measured.
const TABLE_EVERY_MS = 1900;
const ENDED = ['done', 'stopped'];

function mountLive() {
  const ui = /** @type {LiveUi} */ (
    Object.fromEntries(nodesIn(element, '[data-ref]').map((node) => [node.dataset.ref, node]))
  );
  const { root } = ui;
  /** @type {Racing} */
  const live = {
    race: null,
    focus: null,
    theme: null,
    waiting: 0,
    received: 0,
    draws: 0,
    drawMs: 0,
    profile: '',
    judged: '',
    judgedAt: -Infinity,
    stoppedAt: -Infinity,
  };
  const showFocus = choice(ui.focus, 'Schedule shown beside the baseline', (name) => {
    live.focus = name;
    live.profile = live.judged = '';
    live.judgedAt = -Infinity;
    refresh();
  });
  const refresh = () => {
    if (live.waiting) return;
    live.waiting = requestAnimationFrame(() => {
      live.waiting = 0;
      draw(ui, live, showFocus);
    });
  };
  const restyle = () => {
    live.theme = null;
    refresh();
  };
  const relayout = () => {
    live.profile = '';
    refresh();
  };
  const quiet = onceQuiet(QUIET_AFTER_MS, () => fallSilent(ui, live, refresh));
  onTheme(restyle);
  mountSaveCard(ui, live);
  new ResizeObserver(relayout).observe(root);
  Object.defineProperty(root, '__latency', { value: latencyHandle(live) });
  /** @param {string | null} text */
  const receive = (text) => {
    if (!text) return;
    const message = JSON.parse(text);
    if (message.schema !== LAT_SCHEMA) {
      console.error(`latency: expected schema ${LAT_SCHEMA}, but got ${message.schema}`);
      return;
    }
    take(message, ui, live);
    window.dispatchEvent(new CustomEvent('mpm-race', { detail: message }));
    live.received += 1;
    quiet();
    refresh();
  };
  watch('value', () => receive(props.value));
  receive(props.value);
}

// A race that ran by itself gives way to whatever is chosen next, and its last message says nothing of that.
/** @param {LiveUi} ui @param {Racing} live @param {() => void} refresh */
function fallSilent(ui, live, refresh) {
  const { race } = live;
  if (!race || !isRunning(race)) return;
  if (race.by_hand) say(ui, 'No run has come in for a while: the race was cancelled, or the connection is slow.');
  else live.race = { ...race, state: 'stopped' };
  refresh();
}

/** @param {Wire.Race | null} race */
const isRunning = (race) => race !== null && !ENDED.includes(race.state);

// Messages come by several ways and may overtake each other: an older race never replaces a newer one, and
// what was started before the last Stop is stopped, whatever its message says.
/** @type {{[K in Wire.RaceMessage['kind']]: (message: Wire.RaceMessage & {kind: K}, ui: LiveUi, live: Racing) => void}} */
const TAKE = {
  race(told, ui, live) {
    if (live.race && told.generation < live.race.generation) return;
    /** @type {Wire.Race} */
    const race = isRunning(told) && told.generation < live.stoppedAt ? { ...told, state: 'stopped' } : told;
    if (live.race?.race !== race.race)
      Object.assign(live, { theme: null, profile: '', judged: '', judgedAt: -Infinity });
    live.race = race;
    const names = contendersOf(race).map(({ name }) => name);
    const isThere = live.focus !== null && names.includes(live.focus);
    if (!isThere || live.focus === BASELINE_NAME) live.focus = names[1] ?? names[0];
    ui.root.dataset.empty = 'false';
    say(ui, '');
  },
  text(message, ui, live) {
    if (message.generation < live.stoppedAt) return;
    if (live.race) say(ui, message.text);
    else ui.empty.textContent = message.text;
  },
  stopped(message, ui, live) {
    live.stoppedAt = Math.max(live.stoppedAt, message.generation);
    const { race } = live;
    if (race && isRunning(race) && race.generation < live.stoppedAt) live.race = { ...race, state: 'stopped' };
    if (!race) ui.empty.textContent = 'Stopped before the first run.';
    say(ui, '');
  },
};

/** @param {Wire.RaceMessage} message @param {LiveUi} ui @param {Racing} live */
function take(message, ui, live) {
  if (message.kind === 'race') TAKE.race(message, ui, live);
  else if (message.kind === 'text') TAKE.text(message, ui, live);
  else if (message.kind === 'stopped') TAKE.stopped(message, ui, live);
}

/** @param {LiveUi} ui @param {string} text */
function say(ui, text) {
  ui.status.textContent = text;
}

/** @param {LiveUi} ui @param {Racing} live @param {ShowFocus} showFocus */
function draw(ui, live, showFocus) {
  const { race } = live;
  if (!race) return;
  const begun = performance.now();
  const contenders = contendersOf(race);
  live.theme ??= readTheme(ui.root, race.contenders.length + 1);
  const drawn = drawPlot(ui.canvas, contenders, live.theme);
  showHead(ui, race, contenders);
  showSaveCard(ui, race);
  showJudged(ui, live, race, contenders);
  showProfile(ui, live, contenders, showFocus);
  if (drawn) {
    live.draws += 1;
    live.drawMs += performance.now() - begun;
  }
}

/** @param {LiveUi} ui @param {Wire.Race} race @param {Contender[]} contenders */
function showHead(ui, race, contenders) {
  const runs = Math.min(...contenders.map(({ ms }) => ms.length));
  ui.scope.textContent = race.scope;
  ui.progress.textContent = {
    waiting: 'waiting for its turn',
    held: 'paused for another visitor',
    building: `building the model in ${race.elsewhere?.runtime}`,
    'warming up': `warming up, ${race.warmed} of ${contenders.length}`,
    running: race.by_hand
      ? `${runs} of ${race.runs} runs each, ${race.deadline_s} s at most`
      : `${count(runs, 'run')} each, until that tells enough`,
    done: `${count(runs, 'run')} each${runs < race.runs && race.by_hand ? ', ended by the deadline' : ''}`,
    stopped: `stopped after ${count(runs, 'run')} each`,
  }[race.state];
  ui.plotCaption.textContent = plotCaption(race);
}

/** @param {Wire.Race} of */
function plotCaption({ scope, size, device, elsewhere }) {
  const what =
    scope === 'model only'
      ? 'Model only: from pixels in place to class scores on the patch grid.'
      : 'Picture to mask: resize, model, upsample to the picture’s size.';
  const where = size.patches ? ` ${size.wh_px.join(' × ')} pixels, ${size.patches} patches. ${device}.` : '';
  const there = elsewhere ? ` Hollow and dashed: ${elsewhere.runtime}.` : '';
  return `${what}${where} Dots are single runs, lines running medians, bands the middle 80 %; triangles lie above the plot.${there}`;
}

// The table, the verdict and the facts are rebuilt only when they say something new.
/** @param {LiveUi} ui @param {Racing} live @param {Wire.Race} race @param {Contender[]} contenders */
function showJudged(ui, live, race, contenders) {
  if (isRunning(race) && performance.now() - live.judgedAt < TABLE_EVERY_MS) return;
  const focus = contenders.find(({ name }) => name === live.focus);
  if (!focus) return;
  const there = thereOf(contenders, focus);
  const said = JSON.stringify([
    contenders.map(({ name, summary, speedup, tokens }) => [name, summary, speedup, tokens.length]),
    focus.verdict,
    there?.verdict,
    race.warnings,
    race.facts,
  ]);
  if (said === live.judged) return;
  live.judged = said;
  live.judgedAt = performance.now();
  showRows(ui, contenders);
  showVerdict(ui, focus, there);
  ui.onTop.hidden = !race.elsewhere;
  showWarnings(ui, race.warnings);
  showFacts(ui, race.facts);
}

/** @param {LiveUi} ui @param {Racing} live @param {Contender[]} contenders @param {ShowFocus} showFocus */
function showProfile(ui, live, contenders, showFocus) {
  const known = contenders.filter(({ blocks }) => blocks.length);
  ui.profiled.hidden = known.length < contenders.length;
  const mark = JSON.stringify([live.focus, contenders.map(({ parts }) => parts)]);
  if (ui.profiled.hidden || mark === live.profile) return;
  live.profile = mark;
  const others = shownBeside(contenders);
  const focus = contenders.find(({ name }) => name === live.focus);
  const baseline = contenders.find(({ name }) => name === focus?.against);
  if (!focus || !baseline) return;
  showFocus(others.length > 1 ? others.map((one) => ({ value: one.name, text: focusName(one) })) : [], focus.name);
  ui.focus.hidden = others.length < 2;
  showParts(ui, contenders, focus);
  showBlocks(ui, baseline, focus);
}

// What tests read: copies.
/** @param {Racing} live */
function latencyHandle(live) {
  return {
    get state() {
      const { race, focus, received, draws, drawMs } = live;
      return {
        race: race?.race ?? null,
        generation: race?.generation ?? null,
        byHand: race?.by_hand ?? null,
        state: race?.state ?? null,
        scope: race?.scope ?? null,
        focus,
        received,
        draws,
        drawMs,
        runs: Object.fromEntries((race ? contendersOf(race) : []).map(({ name, ms }) => [name, ms.length])),
      };
    },
  };
}

mountLive();
