// The linter's rules for the browser's code and its tests.

import js from '@eslint/js';
import globals from 'globals';

// What gr.HTML hands to the script of a component: the entries alone may use it, see app/scripts.py.
const given = Object.fromEntries(
  ['element', 'props', 'server', 'trigger', 'upload', 'watch'].map((name) => [name, 'readonly']),
);

export default [
  { ignores: ['**/node_modules/'] },
  {
    ...js.configs.recommended,
    files: ['**/*.js', '**/*.mjs'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...js.configs.recommended.rules,
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['error'] }],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-shadow': 'error',
      'no-unused-vars': ['error', { caughtErrors: 'all', ignoreRestSiblings: true }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['app/**/*.js'], languageOptions: { globals: globals.browser } },
  {
    files: ['app/inspector/js/main.js', 'app/latency/js/live.js', 'app/latency/js/cards.js'],
    languageOptions: { globals: given },
  },
  { files: ['tests/js/**'], languageOptions: { globals: globals.node } },
];
