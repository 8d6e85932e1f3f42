// Small helpers: DOM nodes (data enters as text only, never as markup), numbers as text, arithmetic, ticks.

const SVG_NS = 'http://www.w3.org/2000/svg';
export const NONE = -1;

/** @template {HTMLElement | SVGElement} T @param {T} node @param {Attributes} attributes @param {(Child | Child[])[]} children @returns {T} */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'style') for (const [key, css] of Object.entries(attributes.style ?? {})) setStyle(node, key, css);
    else if (typeof value === 'function') node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false)
      node.append(typeof child === 'number' ? String(child) : child);
  }
  return node;
}

// What a selector finds on this page is HTML, unless it is in a drawing.
/** @param {ParentNode} root @param {string} selector @returns {HTMLElement | null} */
export const nodeIn = (root, selector) => root.querySelector(selector);
/** @param {ParentNode} root @param {string} selector @returns {HTMLElement[]} */
export const nodesIn = (root, selector) =>
  [...root.querySelectorAll(selector)].map((node) => /** @type {HTMLElement} */ (node));

// The node of a part that has the keyboard, before the part is written anew; null where none has.
/** @param {Element} container */
export function focusedIn(container) {
  const { activeElement } = document;
  return activeElement && container.contains(activeElement) ? /** @type {HTMLElement} */ (activeElement) : null;
}

// The context of a canvas that nothing else drew on, so that there is one.
/**
 * @overload
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {CanvasRenderingContext2D}
 */
/**
 * @overload
 * @param {OffscreenCanvas} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {OffscreenCanvasRenderingContext2D}
 */
/** @param {HTMLCanvasElement | OffscreenCanvas} canvas @param {CanvasRenderingContext2DSettings} [settings] */
export function contextOf(canvas, settings) {
  const context = canvas.getContext('2d', settings);
  if (!context) throw new Error('this canvas cannot be drawn on');
  return context;
}

/** @template T @param {T[]} list @returns {T} of a list that is not empty */
export const lastOf = (list) => list[list.length - 1];

// Puts a value into a map, and gives it back.
/** @template K, T @param {Map<K, T>} map @param {K} key @param {T} value */
export function storedIn(map, key, value) {
  map.set(key, value);
  return value;
}

// What stands under a name from outside; undefined where nothing does.
/** @template T @param {Record<string, T>} table @param {string} name @returns {T | undefined} */
export const valueNamed = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

// Numbers as texts, which the DOM makes of them anyway.
/** @param {ElementCSSInlineStyle} node @param {string} key @param {string | number | null} value */
export const setStyle = (node, key, value) => node.style.setProperty(key, value === null ? null : String(value));

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 */
export const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 */
export const svgEl = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG_NS, tag), attributes, children);

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
/** @param {number} ms */
export const timeText = (ms) => `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
/** @param {number} share @param {number} [digits] */
export const percent = (share, digits = 0) => `${(share * 100).toFixed(digits)} %`;
// 99.96 % must not read as 100 %: only full agreement does.
/** @param {number} share */
export const agreementText = (share) => (share === 1 ? '100 %' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`);
/** @param {number} number @param {string} noun */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : /(s|ch)$/.test(noun) ? 'es' : 's'}`;
/** @param {number} number */
export const ordinal = (number) => `${number}${['th', 'st', 'nd', 'rd'][number > 3 ? 0 : number]}`;

// Round numbers from low to high, about as many as wanted. steps: what may lie between two, times a power of ten.
/** @param {number} low @param {number} high @param {number} wanted @param {number[]} [steps] */
export function ticksBetween(low, high, wanted, steps = [1, 2, 5, 10]) {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = steps.map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const many = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, many) }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

/** @template {unknown[]} V @param {number} delayMs @param {(...values: V) => unknown} action */
export function onceQuiet(delayMs, action) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {V} values */
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delayMs);
  };
}

const ARROW_STEPS = new Map([
  ['ArrowRight', 1],
  ['ArrowDown', 1],
  ['ArrowLeft', -1],
  ['ArrowUp', -1],
]);

// One of a few: buttons that behave as radio buttons (arrow keys move the choice).
/**
 * @template {string} V the values of the options
 * @param {HTMLElement} container
 * @param {string} label
 * @param {(value: V) => unknown} pick
 * @returns {(options: Option<V>[], chosen: V) => void}
 */
export function choice(container, label, pick) {
  container.setAttribute('role', 'radiogroup');
  container.setAttribute('aria-label', label);
  container.classList.add('choice');
  container.addEventListener('keydown', (event) => {
    const step = ARROW_STEPS.get(event.key);
    if (!step) return;
    event.preventDefault();
    const buttons = nodesIn(container, '[role=radio]');
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = buttons[clamp(at + step, 0, buttons.length - 1)];
    next.focus();
    pick(/** @type {V} */ (next.dataset.value));
  });
  return (options, chosen) => showOptions(container, options, chosen, pick);
}

/**
 * @template {string} V
 * @param {HTMLElement} container
 * @param {Option<V>[]} options
 * @param {V} chosen
 * @param {(value: V) => unknown} pick
 */
function showOptions(container, options, chosen, pick) {
  const focused = focusedIn(container)?.dataset.value;
  container.replaceChildren(
    ...options.map((option) =>
      el(
        'button',
        {
          type: 'button',
          role: 'radio',
          'data-value': option.value,
          title: option.title,
          'aria-checked': String(option.value === chosen),
          tabindex: option.value === chosen ? 0 : -1,
          onclick: () => pick(option.value),
        },
        el('span', {}, option.text),
        option.sub ? el('small', {}, option.sub) : null,
      ),
    ),
  );
  if (focused !== undefined) nodeIn(container, `[data-value="${CSS.escape(focused)}"]`)?.focus();
}
