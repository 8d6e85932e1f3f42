// Opening a picture or a model: it takes the screen at once, and gives it back where that fails.

import { noticeOf } from './notice.js';
import { newAct } from './wish.js';

/**
 * @typedef {Partial<Omit<Pending, 'generation'>>} Begun
 * @typedef {Begun & {source: Source | null, model?: string | null, link?: LinkTarget | null}} Wanted
 */

const NOT_KEPT = /not kept here any more|no longer there/;
const REMEMBERED_FILES = 12;
const RESEND_AFTER_MS = 60_000;

const EMPTY_PENDING = {
  src: null,
  title: '',
  patches: null,
  text: 'Opening the picture',
  done: null,
  of: null,
  digest: null,
};

// What the pane says while nothing has run.
/** @param {number | null} patches */
export const cuttingText = (patches) => (patches ? `Cutting into ${patches} patches` : 'Opening the picture');

/** @param {Store} store @param {Send} send @param {Files} files */
export function makeOpening(store, send, files) {
  const { state, set } = store;
  /** @type {Map<string, number>} */
  const resent = new Map();
  /** @type {{data: object, repeated: number | null}} */
  const asked = { data: {}, repeated: null };

  /** @param {object} data */
  function ask(data) {
    asked.data = data;
    send('open', data);
  }

  // What was wanted before gives way; `pending` stands in its place.
  /** @param {Wanted} wanted */
  function begin({ source, model = state.model, file = null, link = null, ...rest }) {
    const generation = newAct(state, 'view');
    const pending = { ...EMPTY_PENDING, ...rest, generation, file };
    set({ pending, source, model, linkWanted: link, notice: null, exploring: null, queueing: null, playing: false });
    return generation;
  }

  /** @param {File} file @param {number} generation */
  async function sendFile(file, generation) {
    let sent;
    try {
      sent = await files.upload(file);
    } catch {
      const isThere = await files.suspect(); // where the server is gone, that is said
      if (isThere && generation === state.acts.view && state.pending)
        fail('The picture could not be sent to the server.');
      return;
    }
    if (generation === state.acts.view) ask({ source: { upload: sent.path, name: file.name } });
  }

  // The picture before comes back as it was.
  function giveBack() {
    const { view } = state;
    const before = view ? { source: view.source, model: view.model.name } : {};
    set({ pending: null, exploring: null, linkWanted: null, ...before });
  }

  // It comes back with a sentence, and what of its runs had to give way is asked for again.
  /** @param {string} text */
  function fail(text) {
    const { view } = state;
    giveBack();
    set({ notice: noticeOf(text) });
    const lacking = view ? view.schedules.filter((one) => !view.runs.has(one)) : [];
    if (lacking.length) send('missing', { schedules: lacking });
  }

  const open = {
    /** @param {string} name @param {string | null} [model] @param {LinkTarget | null} [link] */
    example(name, model, link) {
      const found = state.page.examples.find((one) => one.name === name);
      if (!found) return;
      begin({ source: { example: name }, model, link, src: found.thumbnail, title: found.title });
      ask({ source: { example: name } });
    },
    /**
     * @param {string} digest
     * @param {string} [title]
     * @param {string | null} [model]
     * @param {LinkTarget | null} [link]
     * @param {string | null} [src]
     */
    picture(digest, title = '', model = state.model, link = null, src = null) {
      const { view } = state;
      const own = view?.digest === digest ? view : null;
      const source = own ? (own.source ?? null) : { picture: digest, title };
      begin({ source, model, link, digest, title: title || view?.title, src: own ? own.src : src });
      ask({ source: { picture: digest } });
    },
    /** @param {File} file @param {string | null} [model] */
    file(file, model = state.model) {
      const title = file.name.replace(/\.[^.]*$/, '') || 'Your picture';
      const generation = begin({
        source: { upload: file.name, title },
        model,
        title,
        file,
        text: 'Sending the picture',
      });
      send('act', { kind: 'view' }); // the upload takes its time, and the server need not finish the old picture
      files.preview(file).then((src) => {
        if (state.pending?.generation !== generation || state.pending.digest) files.forget(src);
        else if (src) set({ pending: { ...state.pending, src } });
      });
      return sendFile(file, generation);
    },
    /** @param {string} name */
    model(name) {
      if (name === state.model && !state.notice) return;
      open.again(name);
    },
    // The picture that is open or on its way, once more.
    /** @param {string | null} [model] @param {LinkTarget | null} [link] */
    again(model = state.model, link = null) {
      const { pending, source, view } = state;
      if (pending?.file && !pending.digest) return open.file(pending.file, model);
      if (source?.example) return open.example(source.example, model, link);
      const digest = pending ? pending.digest : view?.digest;
      return digest ? open.picture(digest, pending?.title ?? view?.title, model, link) : undefined;
    },
    // After "not kept here any more" (the server may be a new one): what this tab still has is sent again by itself,
    // under the view that is shown. Whether that could be done.
    /** @param {string} text @param {string | null | undefined} digest */
    resend(text, digest) {
      if (!digest) return false;
      const now = performance.now();
      const file = files.known.get(digest);
      const example = state.view?.digest === digest ? state.view.source?.example : null;
      if (!NOT_KEPT.test(text) || !(file || example) || now - (resent.get(digest) ?? -Infinity) < RESEND_AFTER_MS)
        return false;
      resent.set(digest, now);
      if (state.pending) {
        if (file) open.file(file);
        return Boolean(file);
      }
      const generation = newAct(state, 'view');
      if (file) sendFile(file, generation);
      else ask({ source: { example } });
      return true;
    },
    /** @param {string} digest @param {File} file */
    remember(digest, file) {
      files.known.delete(digest);
      files.known.set(digest, file);
      const [oldest] = files.known.keys();
      if (files.known.size > REMEMBERED_FILES) files.known.delete(oldest);
    },
    // Its view was overtaken by a later message: once more.
    /** @param {number} generation */
    lost(generation) {
      if (asked.repeated === generation) return;
      asked.repeated = generation;
      send('open', asked.data);
    },
    fail,
    giveBack,
  };
  return open;
}
