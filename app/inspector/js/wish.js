// What a tab wants, and how many acts of the person led to it: every event to Python carries both.

// Until a recipe was chosen, the paper's.
export const PAPER_RECIPE = '2,5';
export const ACTS = { view: 0, recipe: 0, race: 0, camera: 0 };

// The person did something: one generation more, the latest of its kind ("view", "recipe", "race" or "camera").
/** @param {Pick<State, 'generation' | 'acts'>} state @param {ActKind} kind */
export function newAct(state, kind) {
  state.generation += 1;
  state.acts = { ...state.acts, [kind]: state.generation };
  return state.generation;
}

// The picture that is wanted: while it is on its way its digest may be unknown.
/** @param {Pick<State, 'pending' | 'view'>} state */
const wantedPicture = ({ pending, view }) => (pending ? pending.digest : (view?.digest ?? null));

/** @param {State} state */
export const wishOf = (state) => ({
  generation: state.generation,
  picture: wantedPicture(state),
  model: state.model,
  recipe: state.linkWanted?.recipe ?? state.schedule ?? PAPER_RECIPE,
});

// Whether a message is about the recipe chosen last, and its run is not here yet.
/** @param {State} state @param {{ generation: number }} message */
export const isRecipeAwaited = ({ pending, acts, view, schedule }, { generation }) =>
  !pending && generation === acts.recipe && !(schedule !== null && view?.runs.has(schedule));

// Whether a message belongs to the picture and model that were wanted last.
/** @param {Pick<State, 'acts'>} state @param {{generation: number}} given */
export const isLatestView = ({ acts }, { generation }) => generation === acts.view;
// A view of another key is taken unless something newer is wanted.
/** @param {Pick<State, 'acts'>} state @param {{generation: number}} given */
export const isViewWanted = ({ acts }, { generation }) => generation >= acts.view;
