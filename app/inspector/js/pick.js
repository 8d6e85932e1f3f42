// Ways in which a photo comes to the page: the file dialogue, a drop anywhere, a paste anywhere.

import { el } from '../../js/util.js';
import { noticeOf } from './notice.js';

const MAX_PICTURE_BYTES = 50e6;
const KNOWN_ENDINGS =
  /\.(jpe?g|jfif|png|gif|bmp|dib|webp|avif|hei[cf]|tiff?|jxl|jp2|j2k|ppm|pgm|pbm|pnm|ico|tga|svg|dng)$/i;
const ONLY_FILES = 'Only files can be dropped here: save the picture first, or copy and paste it.';
export const ACCEPTED = 'image/*,.tif,.tiff,.heic,.heif,.avif';

// Why a file is not taken; null where it is. Python has the last word.
/** @param {Pick<File, 'name' | 'type' | 'size'>} file */
export function refusalOf({ name, type, size }) {
  const called = name.length > 40 ? `${name.slice(0, 39)}…` : name;
  if (size > MAX_PICTURE_BYTES)
    return `“${called}” has ${Math.ceil(size / 1e6)} MB; a picture may have ${MAX_PICTURE_BYTES / 1e6} MB at most.`;
  if (size === 0) return `“${called}” is empty.`;
  const isLike = type.startsWith('image/') || KNOWN_ENDINGS.test(name) || (!type && !name.includes('.'));
  return isLike ? null : `“${called}” is no picture.`;
}

// The first picture of what was dropped or pasted; else the first file, for its refusal.
/** @template {Pick<File, 'name' | 'type' | 'size'>} F @param {F[]} list */
export const pictureAmong = (list) => list.find((file) => refusalOf(file) === null) ?? list[0] ?? null;

// Of all other files the browser may make a preview; null for those that it cannot decode.
/** @param {File} file */
async function previewOf(file) {
  const src = URL.createObjectURL(file);
  const probe = new Image();
  probe.src = src;
  try {
    await probe.decode();
    return src;
  } catch {
    URL.revokeObjectURL(src);
    return null;
  }
}

// upload: sends a file to the server; suspect: whether that is there.
/** @param {(file: File) => Promise<{path: string}>} upload @param {() => Promise<boolean>} suspect */
export const pickedFiles = (upload, suspect) => ({
  upload,
  suspect,
  preview: previewOf,
  /** @param {string | null} src */
  forget: (src) => src && URL.revokeObjectURL(src),
  known: new Map(),
});

/** @param {Ui} ui @param {Store} store @param {Opening} opening */
export function mountPick(ui, store, opening) {
  const input = el('input', {
    type: 'file',
    accept: ACCEPTED,
    hidden: true,
    'aria-label': 'Your photo',
    'data-role': 'file',
  });
  /** @param {Iterable<File>} list */
  const take = (list) => {
    const file = pictureAmong([...list]);
    if (!file) return;
    const refusal = refusalOf(file);
    if (refusal) store.set({ notice: noticeOf(refusal) });
    else opening.file(file);
  };
  input.addEventListener('change', () => {
    take(input.files ?? []);
    input.value = '';
  });
  ui.root.append(input);
  const choose = () => input.click();
  // Panes without a picture ask for one.
  ui.panes.addEventListener('click', () => !store.state.view && !store.state.pending && !store.state.live && choose());
  acceptDropsAnywhere(ui, store, take);
  acceptPastes(take);
  return { choose, take };
}

/** @param {DragEvent} event */
const bringsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
/** @param {Event} event */
const isElsewhere = (event) => event.defaultPrevented || isWithin(event.target, '.lat-drop, [data-drop]');

/** @param {Ui} ui @param {Store} store @param {(list: Iterable<File>) => void} take */
function acceptDropsAnywhere(ui, store, take) {
  const veil = el(
    'div',
    { class: 'drop-veil', hidden: true, 'data-role': 'veil' },
    el('p', {}, 'Drop the photo to open it'),
  );
  ui.root.append(veil);
  /** @param {boolean} isShown */
  const show = (isShown) => {
    veil.hidden = !isShown;
  };
  window.addEventListener('dragover', (event) => {
    if (!bringsFiles(event)) return;
    show(!isElsewhere(event));
    event.preventDefault(); // else the browser leaves the page for the file
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  });
  window.addEventListener('dragleave', (event) => event.relatedTarget === null && show(false));
  window.addEventListener('dragend', () => show(false));
  window.addEventListener('drop', (event) => {
    show(false);
    if (isElsewhere(event)) return;
    const isFile = bringsFiles(event);
    if (isFile || !isTextField(event.target)) event.preventDefault();
    const files = isFile ? [...(event.dataTransfer?.files ?? [])] : [];
    if (files.length) take(files);
    else if (!isTextField(event.target)) store.set({ notice: noticeOf(ONLY_FILES) });
  });
}

/** @param {EventTarget | null} target @param {string} selector */
const isWithin = (target, selector) => target instanceof Element && target.closest(selector) !== null;

/** @param {EventTarget | null} target */
const isTextField = (target) => isWithin(target, 'input, textarea, [contenteditable=true]');

/** @param {(list: Iterable<File>) => void} take */
function acceptPastes(take) {
  window.addEventListener('paste', (event) => {
    const list = [...(event.clipboardData?.files ?? [])];
    if (!list.length || event.defaultPrevented) return;
    event.preventDefault();
    take(list);
  });
}
