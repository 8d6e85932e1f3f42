// The Masks canvas: two masks under one border, or only what changed.

const packed = ([r, g, b], alpha) => ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;

// Colours by class index, as the 32-bit words of ImageData; unknown classes are clear.
function plainPalette(view) {
  const words = new Uint32Array(256);
  view.classes.forEach(({ colour }, index) => {
    words[index] = packed(rgbOf(colour), 1);
  });
  return words;
}

// Hidden classes are clear, and a class in focus pushes the others back.
function filteredPalette(view, hidden, focus) {
  const words = new Uint32Array(256);
  view.classes.forEach(({ colour }, index) => {
    const seen = !hidden.has(index) || focus === index;
    const strength = focus === null || focus === index ? 1 : 0.16;
    words[index] = seen ? packed(rgbOf(colour), strength) : 0;
  });
  return words;
}

// One word a pixel, onto a canvas of the picture's size; `canvas` is used again where there is one.
function bitmapOf(view, canvas, colour) {
  const target = canvas ?? new OffscreenCanvas(view.width, view.height);
  target.image ??= new ImageData(view.width, view.height);
  colour(new Uint32Array(target.image.data.buffer));
  target.getContext('2d').putImageData(target.image, 0, 0);
  return target;
}

function maskBitmap(view, labels, palette, canvas = null) {
  return bitmapOf(view, canvas, (words) => {
    for (let at = 0; at < words.length; at += 1) words[at] = palette[labels[at]];
  });
}

// Pixels whose class changed, in the colour of their new class; a flow in focus pushes the others back.
function changeBitmap(view, before, after, palette, flow, canvas = null) {
  return bitmapOf(view, canvas, (words) => {
    for (let at = 0; at < words.length; at += 1) {
      const from = before[at];
      const to = after[at];
      const back = flow && (from !== flow.from || to !== flow.to);
      words[at] = from === to ? 0 : back ? ((palette[to] & 0xffffff) | 0x20000000) >>> 0 : palette[to];
    }
  });
}

// What lies left and right of the border, or before and after a change.
function maskSides(state) {
  const run = shownRun(state);
  const baseline = baselineRun(state);
  const merged = { name: `Merged ${cutShort(shortName(state, run.schedule))}`, labels: run.labels };
  if (state.maskMode === 'truth') return [merged, { name: 'Ground truth', labels: state.view.truth }];
  return [{ name: 'Baseline, no merging', labels: baseline?.labels ?? null }, merged];
}

// A side's bitmap is made anew only when its labels, the filter or the focus change: the baseline seldom.
function createMaskCache() {
  const kept = [{}, {}];
  return (state, side) => {
    const wanted = maskRecipe(state, side);
    const made = kept[side];
    if (!Object.keys(wanted).every((key) => made[key] === wanted[key])) {
      const canvas = made.view === wanted.view ? made.bitmap : null;
      kept[side] = { ...wanted, bitmap: bitmapFrom(state, wanted, canvas) };
    }
    return kept[side].bitmap;
  };
}

function maskRecipe(state, side) {
  const sides = maskSides(state);
  const changes = state.maskMode === 'changes';
  const { view, focusClass, focusFlow, hiddenClasses } = state;
  return {
    view,
    labels: sides[changes ? 1 : side].labels,
    before: changes ? sides[0].labels : null,
    focusClass,
    focusFlow,
    hiddenClasses,
  };
}

function bitmapFrom({ view, hiddenClasses, focusClass, focusFlow }, { labels, before }, canvas) {
  const palette = filteredPalette(view, hiddenClasses, focusClass);
  return before
    ? changeBitmap(view, before, labels, palette, focusFlow, canvas)
    : maskBitmap(view, labels, palette, canvas);
}

const visibleSpan = (rect, width) => [Math.max(0, rect.x), Math.min(width, rect.x + rect.w)];

function splitX(state, rect, width) {
  const [left, right] = visibleSpan(rect, width);
  return left + (right - left) * state.split;
}

function drawMasks(ctx, state, rect, width, maskFor) {
  const { view } = state;
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  LAYER_PAINTERS.picture(ctx, { view, rect });
  const known = maskSides(state).every((side) => side.labels);
  if (known && state.maskMode === 'changes') drawChanges(ctx, state, rect, maskFor);
  else if (known) drawTwoMasks(ctx, state, rect, width, maskFor);
  ctx.restore();
}

function drawChanges(ctx, state, rect, maskFor) {
  ctx.globalAlpha = 0.72;
  ctx.fillStyle = groundColour();
  ctx.fillRect(rect.x, rect.y, rect.w, rect.h);
  ctx.globalAlpha = 1;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(maskFor(state, 0), rect.x, rect.y, rect.w, rect.h);
}

function drawTwoMasks(ctx, state, rect, width, maskFor) {
  const x = splitX(state, rect, width);
  ctx.imageSmoothingEnabled = false;
  [
    [0, rect.x, x],
    [1, x, rect.x + rect.w],
  ].forEach(([side, from, to]) => {
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, rect.y, to - from, rect.h);
    ctx.clip();
    ctx.globalAlpha = state.maskOpacity;
    ctx.drawImage(maskFor(state, side), rect.x, rect.y, rect.w, rect.h);
    ctx.restore();
  });
}

// The classes of the pixel under the pointer, on either side.
function showPixel(node, state) {
  const sides = maskSides(state);
  node.hidden = state.pixel === null || !sides.every((side) => side.labels);
  if (node.hidden) return;
  const [before, after] = sides.map((side) => side.labels[state.pixel]);
  const parts =
    before === after
      ? [classMark(state.view, after)]
      : [classMark(state.view, before), '→', classMark(state.view, after)];
  node.replaceChildren(...parts);
}

function maskCaption(state) {
  if (!baselineRun(state)) return 'The unmerged baseline is being computed.';
  if (state.maskMode === 'changes')
    return 'Only the pixels whose class changed through merging, in the colour of their new class.';
  if (state.maskMode === 'truth') return 'Left of the border the merged run, right of it the ground truth.';
  return 'Left of the border the unmerged baseline, right of it the merged run: drag the handle.';
}

const maskModes = (view) => [
  { value: 'compare', text: 'Before | after' },
  { value: 'changes', text: 'Changes' },
  ...(view.truth ? [{ value: 'truth', text: 'Ground truth' }] : []),
];
