// The menu of rules and the fields of their parameters: what stops and blocks of the strip merge by.

import { callOf, callText, rangeText } from './calls.js';
import { el, nodeIn } from '../../js/util.js';

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountMethod(ui, store, actions) {
  let shownNow = '';
  ui.method.addEventListener('change', () => actions.chooseRule(ui.method.value));
  store.on(['view', 'method'], (state) => {
    if (!state.view) return;
    const key = `${state.view.key} ${state.method}`;
    if (key === shownNow) return;
    shownNow = key;
    showMethod(ui, state, actions);
  });
}

/** @param {Ui} ui @param {Shown} state @param {Actions} actions */
function showMethod(ui, state, actions) {
  const { rules } = state.view;
  const { name, values } = callOf(state.method, rules);
  const rule = rules.find((one) => one.name === name);
  ui.method.replaceChildren(
    ...rules.map((one) => el('option', { value: one.name, selected: one === rule }, one.title)),
  );
  ui.parameters.replaceChildren(
    ...(rule?.parameters ?? []).map((parameter) =>
      parameterField(
        parameter,
        values[parameter.name],
        (value) => rule && actions.chooseRule(callText(rule, { ...values, [parameter.name]: value })),
      ),
    ),
  );
  ui.methodAbout.replaceChildren(
    rule ? `${rule.about.replaceAll('\x60', '')} Source: ${rule.source}. ` : '',
    el(
      'button',
      { type: 'button', class: 'link', 'data-act': 'elsewhere', onclick: () => showElsewhere(ui) },
      elsewhereText(ui),
    ),
  );
}

// "Not here: A, B, C …: they have to be trained first": one press leads to the reasons.
/** @param {Pick<Ui, 'elsewhere'>} ui */
function elsewhereText({ elsewhere }) {
  const names = [...elsewhere.querySelectorAll('tbody th')].map((cell) => cell.textContent);
  const [some, others] = [names.slice(0, SOME), names.length - SOME];
  return `Not here: ${some.join(', ')}${others > 0 ? ` and ${others} more` : ''}, which cannot run on a frozen model. Why?`;
}
const SOME = 3;

/** @param {Pick<Ui, 'elsewhere' | 'recipePop'>} ui */
function showElsewhere({ elsewhere, recipePop }) {
  elsewhere.open = true;
  recipePop.open = false;
  elsewhere.scrollIntoView({ block: 'nearest' });
  nodeIn(elsewhere, 'summary')?.focus({ preventScroll: true });
}

/** @param {Parameter} parameter @param {ParameterValue} value @param {(value: ParameterValue) => void} pick */
function parameterField(parameter, value, pick) {
  const isFlag = parameter.kind === 'bool';
  const isNumber = parameter.kind === 'int' || parameter.kind === 'float';
  const input = el('input', {
    type: isFlag ? 'checkbox' : isNumber ? 'number' : 'text',
    'data-parameter': parameter.name,
    'aria-label': parameter.name,
    min: parameter.low,
    max: parameter.high,
    step: isNumber ? (parameter.kind === 'int' ? 1 : 'any') : null,
    value: isFlag || value === null ? null : value,
    checked: isFlag && value,
    placeholder: parameter.is_optional ? 'none' : null,
    title: rangeText(parameter),
  });
  input.addEventListener('change', () => {
    const wanted = isFlag ? input.checked : fieldValue(parameter, input);
    if (wanted === undefined) input.reportValidity();
    else pick(wanted);
  });
  return el('label', { class: 'parameter' }, el('span', {}, parameter.name), input);
}

// What was typed; undefined where it is not allowed.
/** @param {Parameter} parameter @param {HTMLInputElement} input */
function fieldValue(parameter, input) {
  if (input.value === '') return parameter.is_optional ? null : parameter.default;
  if (!input.checkValidity()) return undefined;
  return parameter.kind === 'str' ? input.value : Number(input.value);
}
