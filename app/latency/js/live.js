// Receives messages, each complete in itself, and draws what changed.

import { choice, count, onceQuiet } from '../../js/util.js';
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
  const root = element.querySelector('.lat');
  const ui = Object.fromEntries([...element.querySelectorAll('[data-ref]')].map((node) => [node.dataset.ref, node]));
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
function fallSilent(ui, live, refresh) {
  if (!isRunning(live.race)) return;
  if (live.race.by_hand) say(ui, 'No run has come in for a while: the race was cancelled, or the connection is slow.');
  else live.race = { ...live.race, state: 'stopped' };
  refresh();
}

const isRunning = (race) => race !== null && !ENDED.includes(race.state);

// Messages come by several ways and may overtake each other: an older race never replaces a newer one, and
// what was started before the last Stop is stopped, whatever its message says.
const TAKE = {
  race(message, ui, live) {
    if (live.race && message.generation < live.race.generation) return;
    if (isRunning(message) && message.generation < live.stoppedAt) message = { ...message, state: 'stopped' };
    if (live.race?.race !== message.race)
      Object.assign(live, { theme: null, profile: '', judged: '', judgedAt: -Infinity });
    live.race = message;
    const names = contendersOf(message).map(({ name }) => name);
    if (!names.includes(live.focus) || live.focus === BASELINE_NAME) live.focus = names[1] ?? names[0];
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
    if (isRunning(live.race) && live.race.generation < live.stoppedAt) live.race = { ...live.race, state: 'stopped' };
    if (!live.race) ui.empty.textContent = 'Stopped before the first run.';
    say(ui, '');
  },
};

const take = (message, ui, live) => TAKE[message.kind]?.(message, ui, live);

function say(ui, text) {
  ui.status.textContent = text;
}

function draw(ui, live, showFocus) {
  const { race } = live;
  if (!race) return;
  const begun = performance.now();
  const contenders = contendersOf(race);
  live.theme ??= readTheme(ui.root, race.contenders.length + 1);
  const drawn = drawPlot(ui.canvas, contenders, live.theme);
  showHead(ui, race, contenders);
  showSaveCard(ui, race);
  showJudged(ui, live, contenders);
  showProfile(ui, live, contenders, showFocus);
  if (drawn) {
    live.draws += 1;
    live.drawMs += performance.now() - begun;
  }
}

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
function showJudged(ui, live, contenders) {
  if (isRunning(live.race) && performance.now() - live.judgedAt < TABLE_EVERY_MS) return;
  const focus = contenders.find(({ name }) => name === live.focus);
  const there = thereOf(contenders, focus);
  const said = JSON.stringify([
    contenders.map(({ name, summary, speedup, tokens }) => [name, summary, speedup, tokens.length]),
    focus.verdict,
    there?.verdict,
    live.race.warnings,
    live.race.facts,
  ]);
  if (said === live.judged) return;
  live.judged = said;
  live.judgedAt = performance.now();
  showRows(ui, contenders);
  showVerdict(ui, focus, there);
  ui.onTop.hidden = !live.race.elsewhere;
  showWarnings(ui, live.race.warnings);
  showFacts(ui, live.race.facts);
}

function showProfile(ui, live, contenders, showFocus) {
  const known = contenders.filter(({ blocks }) => blocks.length);
  ui.profiled.hidden = known.length < contenders.length;
  const mark = JSON.stringify([live.focus, contenders.map(({ parts }) => parts)]);
  if (ui.profiled.hidden || mark === live.profile) return;
  live.profile = mark;
  const others = shownBeside(contenders);
  showFocus(others.length > 1 ? others.map((one) => ({ value: one.name, text: focusName(one) })) : [], live.focus);
  ui.focus.hidden = others.length < 2;
  const focus = contenders.find(({ name }) => name === live.focus);
  const baseline = contenders.find(({ name }) => name === focus.against);
  showParts(ui, contenders, focus);
  showBlocks(ui, baseline, focus);
}

// What tests read: copies.
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
