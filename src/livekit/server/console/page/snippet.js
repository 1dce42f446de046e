// A program to copy, in two languages.

import { copyButton, h, setText } from './dom.js';
import { makeTabs } from './tabs.js';

const LANGUAGES = { python: 'Python', javascript: 'JavaScript' };
const choosers = [];
let language = 'python';

/** Add a snippet to an element; returns a function that shows `{python, javascript}`. */
export function makeSnippet(container, label) {
  let programs = { python: '', javascript: '' };
  const name = container.id;
  const code = h('code');
  const text = h('pre', { id: `${name}-text`, role: 'tabpanel', tabindex: '0', 'aria-label': label }, code);
  const tab = (key) =>
    h('button', { type: 'button', role: 'tab', id: `${name}-${key}`, 'aria-controls': text.id }, LANGUAGES[key]);
  const list = h('div', { role: 'tablist', class: 'languages', 'aria-label': `${label}: language` }, tab('python'), tab('javascript'));
  const bar = h('div', { class: 'tabs' }, list, copyButton(() => programs[language], label));
  container.append(h('div', { class: 'snippet' }, bar, text));

  const show = () => setText(code, programs[language]);
  const choose = makeTabs(list, (chosen) => {
    const wanted = chosen.id.slice(name.length + 1);
    text.setAttribute('aria-labelledby', chosen.id);
    if (wanted !== language) {
      language = wanted;
      for (const other of choosers) other();
    }
    show();
  });
  choosers.push(() => choose(`${name}-${language}`));
  return (newPrograms) => {
    programs = newPrograms;
    show();
  };
}
