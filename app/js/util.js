// Small helpers: DOM nodes (data enters as text only, never as markup), numbers as text, arithmetic, ticks.

const SVG_NS = 'http://www.w3.org/2000/svg';
export const NONE = -1;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [key, css] of Object.entries(value)) node.style.setProperty(key, css);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svgEl = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG_NS, tag), attributes, children);

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
export const timeText = (ms) => `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
export const percent = (share, digits = 0) => `${(share * 100).toFixed(digits)} %`;
// 99.96 % must not read as 100 %: only full agreement does.
export const agreementText = (share) => (share === 1 ? '100 %' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`);
export const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : /(s|ch)$/.test(noun) ? 'es' : 's'}`;
export const ordinal = (number) => `${number}${['th', 'st', 'nd', 'rd'][number > 3 ? 0 : number]}`;

// Round numbers from low to high, about as many as wanted. steps: what may lie between two, times a power of ten.
export function ticksBetween(low, high, wanted, steps = [1, 2, 5, 10]) {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = steps.map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const many = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, many) }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

export function onceQuiet(delayMs, action) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delayMs);
  };
}

// One of a few: buttons that behave as radio buttons (arrow keys move the choice).
export function choice(container, label, pick) {
  container.setAttribute('role', 'radiogroup');
  container.setAttribute('aria-label', label);
  container.classList.add('choice');
  container.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...container.querySelectorAll('[role=radio]')];
    const next = buttons[clamp(buttons.indexOf(document.activeElement) + step, 0, buttons.length - 1)];
    next.focus();
    pick(next.dataset.value);
  });
  return (options, chosen) => showOptions(container, options, chosen, pick);
}

function showOptions(container, options, chosen, pick) {
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.value : null;
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
  if (focused !== null) container.querySelector(`[data-value="${CSS.escape(focused)}"]`)?.focus();
}
