// A rule with its arguments as a text, as Python writes it: "bipartite(0.2)".

/** @typedef {Record<string, ParameterValue>} Values */

// From "bipartite(0.2)" to its name and the values of all its parameters.
/** @param {string} text @param {Rule[]} rules @returns {{name: string, values: Values}} */
export function callOf(text, rules) {
  const [, name = '', inside = ''] = /^([^(]*)(?:\((.*)\))?$/.exec(text) ?? [];
  const parameters = rules.find((one) => one.name === name)?.parameters ?? [];
  const values = Object.fromEntries(parameters.map((one) => [one.name, one.default]));
  const bare = parameters.filter((one) => !one.is_named);
  inside
    .split(',')
    .filter(Boolean)
    .forEach((word, place) => {
      const [key, value] = word.includes('=') ? word.split('=') : [bare[place]?.name, word];
      const parameter = parameters.find((one) => one.name === key);
      if (parameter) values[key] = parsedValue(parameter, value);
    });
  return { name, values };
}

/** @param {Parameter} parameter @param {string} text */
function parsedValue({ kind }, text) {
  if (text === 'none') return null;
  if (kind === 'bool') return text === 'true';
  return kind === 'str' ? text : Number(text);
}

// As Python writes it: what differs from the default, bare where it stands in its own place.
/** @param {Rule} rule @param {Values} values */
export function callText(rule, values) {
  /** @type {string[]} */
  const words = [];
  rule.parameters.forEach((parameter, place) => {
    const value = values[parameter.name];
    if (value === parameter.default) return;
    const text = value === null ? 'none' : String(value);
    words.push(!parameter.is_named && place === words.length ? text : `${parameter.name}=${text}`);
  });
  return words.length ? `${rule.name}(${words.join(',')})` : rule.name;
}

/** @param {Parameter} parameter */
export function rangeText({ low, high, is_optional: isOptional }) {
  const range = [low === undefined ? '' : `from ${low}`, high === undefined ? '' : `to ${high}`].filter(Boolean);
  return [...range, isOptional ? 'or empty' : ''].filter(Boolean).join(' ');
}
