// The trade-off of this picture: what each schedule keeps or costs against how far its mask agrees with the
// baseline. The random-pairs control, at the same counts, stands in grey. Choosing a point moves the slider.

const PLOT = { width: 460, height: 250, left: 46, right: 14, top: 14, bottom: 38 };
const TICKS = 4;

function mountTradeoff(ui, store, actions) {
  const show = choice(ui.tradeoffAxis, 'Horizontal axis', (value) => store.set({ tradeoffAxis: value }));
  store.on(['view', 'runs', 'shown', 'tradeoffAxis'], (state) => {
    if (!state.view) return;
    show([{ value: 'tokens', text: 'Tokens kept' }, { value: 'latency', text: 'Latency' }], state.tradeoffAxis);
    showTradeoff(ui, state, actions);
  });
}

function showTradeoff(ui, state, actions) {
  const points = tradeoffPoints(state);
  const controls = state.tradeoffAxis === 'tokens' ? controlPoints(state) : [];
  if (points.length < 2) {
    ui.tradeoff.replaceChildren();
    ui.tradeoffCaption.textContent = 'The other schedules are being computed.';
    return;
  }
  ui.tradeoff.replaceChildren(tradeoffFigure(state, points, controls, actions));
  ui.tradeoffCaption.textContent = tradeoffCaption(state, points, controls);
}

function tradeoffPoints(state) {
  return [...state.view.runs.values()].flatMap((run) => {
    const x = state.tradeoffAxis === 'tokens' ? run.tokenCounts.at(-1) / run.tokenCounts[0] : run.timing?.median_ms;
    if (x === undefined || !run.agreement) return [];
    const { agreement } = compareClasses(run.agreement, state.view.classes);
    return [{ schedule: run.schedule, x, y: agreement, estimated: Boolean(run.timing?.estimated) }];
  }).sort((a, b) => a.x - b.x || b.y - a.y);
}

const controlPoints = (state) => Object.entries(state.view.controls ?? {})
  .map(([schedule, { kept, agreement }]) => ({ schedule, x: kept, y: agreement }));

// Points that no other beats on both axes: walking to the right, each must agree better than all before.
function frontierOf(points) {
  let best = -Infinity;
  return points.filter(({ y }) => { const better = y > best; best = Math.max(best, y); return better; });
}

function tradeoffScales(points, controls) {
  const all = [...points, ...controls];
  const span = (values, least) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const pad = Math.max((high - low) * 0.08, least);
    return [low - pad, high + pad];
  };
  const [x0, x1] = span(all.map(({ x }) => x), 1e-6);
  const [y0] = span(all.map(({ y }) => y), 1e-3);
  const y1 = 1 + (1 - y0) * 0.06;
  return {
    x: (value) => PLOT.left + ((value - x0) / (x1 - x0)) * (PLOT.width - PLOT.left - PLOT.right),
    y: (value) => PLOT.height - PLOT.bottom - ((value - y0) / (y1 - y0)) * (PLOT.height - PLOT.top - PLOT.bottom),
    xTicks: ticksOf(x0, x1), yTicks: ticksOf(y0, 1),
  };
}

function ticksOf(low, high) {
  const rough = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) => (first + i) * step);
}

function tradeoffFigure(state, points, controls, actions) {
  const scales = tradeoffScales(points, controls);
  const tokens = state.tradeoffAxis === 'tokens';
  const digits = (ticks) => (ticks.length > 1 && ticks[1] - ticks[0] < 0.00999 ? 1 : 0);
  const xText = (value) => (tokens ? percent(value, digits(scales.xTicks)) : milliseconds(value));
  const line = frontierOf(points).map(({ x, y }) => `${short(scales.x(x))},${short(scales.y(y))}`).join(' ');
  return svgEl('svg', { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: 'group', 'aria-label': 'Schedules by cost and agreement' },
    ...scales.yTicks.flatMap((value) => [
      svgEl('line', { x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: scales.y(value), y2: scales.y(value), class: 'axis' }),
      svgEl('text', { x: PLOT.left - 6, y: scales.y(value) + 4, class: 'tick-y' }, percent(value, digits(scales.yTicks))),
    ]),
    ...scales.xTicks.map((value) => svgEl('text', { x: scales.x(value), y: PLOT.height - PLOT.bottom + 16, class: 'name' }, xText(value))),
    svgEl('text', { x: (PLOT.left + PLOT.width - PLOT.right) / 2, y: PLOT.height - 5, class: 'name' }, tokens ? 'patch tokens kept' : 'latency, ms'),
    ...controls.map(({ schedule, x, y }) => svgEl('circle', { cx: scales.x(x), cy: scales.y(y), r: 4, class: 'control' },
      svgEl('title', {}, `random pairs at ${scheduleName(schedule)}: ${agreementText(y)} agree`))),
    svgEl('polyline', { points: line, class: 'frontier' }),
    ...placeLabels(points, scales).map((placed) => tradeoffPoint(state, placed, scales, actions)));
}

// Labels stand above their point; where that place is taken, further away, above or below by turns.
function placeLabels(points, scales) {
  const taken = [];
  return points.map((point) => {
    const [cx, cy] = [scales.x(point.x), scales.y(point.y)];
    const half = scheduleName(point.schedule).length * 3.2 + 3;
    const x = clamp(cx, PLOT.left + half, PLOT.width - PLOT.right - half);
    const places = [-11, 20, -25, 34, -39, 48].map((shift) => ({ left: x - half, right: x + half, y: cy + shift }));
    const free = (box) => taken.every((other) => box.right < other.left || box.left > other.right || Math.abs(box.y - other.y) > 12);
    const box = places.find(free) ?? places[0];
    taken.push(box);
    return { ...point, label: { x, y: box.y } };
  });
}

function tradeoffPoint(state, { schedule, x, y, estimated, label }, scales, actions) {
  const tokens = state.tradeoffAxis === 'tokens';
  const cost = tokens ? `${percent(x, 1)} of the tokens` : `${milliseconds(x)} ms${estimated ? ', estimated' : ''}`;
  const pick = () => actions.chooseSchedule(schedule);
  const [cx, cy] = [scales.x(x), scales.y(y)];
  return svgEl('g', {
    class: 'point', tabindex: 0, role: 'button', 'data-point': schedule,
    'data-chosen': String(schedule === state.shown), 'data-estimated': String(estimated && !tokens),
    'aria-label': `Schedule ${scheduleName(schedule)}: ${cost}, ${agreementText(y)} agree`,
    onclick: pick,
    onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(); } },
  },
  svgEl('circle', { cx, cy, r: 14, class: 'reach' }),
  svgEl('circle', { cx, cy, r: schedule === state.shown ? 7 : 5 }),
  svgEl('text', { x: label.x, y: label.y, class: 'label' }, scheduleName(schedule)),
  svgEl('title', {}, `${scheduleName(schedule)}: ${cost}, ${agreementText(y)} of the pixels agree`));
}

function tradeoffCaption(state, points, controls) {
  const axis = state.tradeoffAxis === 'tokens'
    ? 'Left is less work, up is closer to the baseline’s mask; the line joins the schedules that no other beats on both.'
    : 'Left is faster. Hollow points are estimates from one shared sweep; measuring turns them solid.';
  return controls.length ? `${axis} Grey: as many pairs, drawn at random.` : axis;
}
