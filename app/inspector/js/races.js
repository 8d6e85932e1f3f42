// When the page measures by itself: after a picture is explored and after a recipe is chosen, never beside a race
// that was started by hand, never in a tab that nobody sees.

import { speedOf, takeRace } from './speed.js';
import { newAct, wishOf } from './wish.js';

const SILENCE_MS = 20_000; // so long without a word, and a race by hand is over
const OVER = ['done', 'stopped'];

// lost(text, digest): a race was refused as its picture is not kept any more; whether it is sent again.
/**
 * @param {Store} store
 * @param {Send} send
 * @param {(text: string, digest: string) => boolean} [lost]
 * @param {() => number} [clock]
 * @param {Later} [later]
 */
export function createRaces(store, send, lost = () => false, clock = () => performance.now(), later = setTimeout) {
  const { state, set } = store;
  /** @type {{hand: {generation: number, heard: number} | null, asked: string}} */
  const races = { hand: null, asked: '' };

  // Another picture or model ends it without a word.
  const isHandRaceOn = () =>
    races.hand !== null && races.hand.generation > state.acts.view && clock() - races.hand.heard < SILENCE_MS;

  function wanted() {
    const { view, pending, exploring, schedule, live } = state;
    const isAtHand = view !== null && schedule !== null && view.runs.has(schedule);
    return isAtHand && !pending && !live && !exploring && !document.hidden;
  }

  // Asks for the race of what is shown, where that is not known yet; else for what comes after a race.
  function consider() {
    if (!state.view || !wanted() || isHandRaceOn()) return undefined;
    // Whoever started or stopped a race has had the last word, until they choose something else.
    if (state.acts.race > 0 && state.acts.race === state.generation) return askCurves();
    const { kind } = speedOf(state, state.schedule);
    const own = `${state.view.key}|${state.schedule}|${state.generation}`;
    const isAsked = races.asked === own;
    if (kind === 'known' || kind === 'baseline' || (kind === 'few' && isAsked)) return askCurves();
    if (isAsked) return undefined;
    races.asked = own;
    return send('race', {});
  }

  // Once a view, when nothing else is to be measured.
  function askCurves() {
    const { view } = state;
    if (!view || view.curvesAsked || !view.can.has('curves')) return;
    view.curvesAsked = true;
    send('curves', {});
  }

  /** @param {Wire.RaceMessage} message */
  function heard(message) {
    set({ speeds: takeRace(state.speeds, message) });
    const ours = message.generation === state.generation && !state.pending ? state.view : null;
    if (message.kind === 'text' && ours && lost(message.text, ours.digest)) races.hand = null;
    const isEnd = message.kind === 'stopped' || (message.kind === 'race' && OVER.includes(message.state));
    if (races.hand && message.generation >= races.hand.generation) {
      if (message.kind === 'stopped' || (message.kind === 'race' && message.by_hand && isEnd)) races.hand = null;
      else races.hand.heard = clock();
    }
    if (state.measuring && races.hand === null) set({ measuring: null });
    if (isEnd) consider();
  }

  function endMeasuring() {
    if (!state.measuring) return;
    if (isHandRaceOn()) later(endMeasuring, SILENCE_MS);
    else set({ measuring: null });
  }

  // A race by hand of what is shown and these recipes.
  /** @param {string[]} rivals */
  function byHand(rivals) {
    const generation = newAct(state, 'race');
    races.hand = { generation, heard: clock() };
    set({ measuring: state.view?.key ?? null });
    send('race', { rivals });
    later(endMeasuring, SILENCE_MS);
  }

  // For Gradio's own controls: the wish as a text, after an act of that kind.
  /** @param {ActKind} [kind] */
  function wishText(kind) {
    if (kind) {
      const generation = newAct(state, kind);
      if (kind === 'race') races.hand = { generation, heard: clock() };
    }
    return JSON.stringify(wishOf(state));
  }

  return { consider, heard, byHand, wishText, isHandRaceOn };
}

/** @param {Store} store @param {Races} races */
export function mountRaces(store, races) {
  window.mpmWish = races.wishText;
  window.addEventListener('mpm-race', ({ detail }) => races.heard(detail));
  document.addEventListener('visibilitychange', races.consider);
  store.on(['view', 'pending', 'exploring'], races.consider);
}
