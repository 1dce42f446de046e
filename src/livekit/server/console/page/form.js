// Shared by the forms: submitting, choosing a participant, showing results.

import { copyButton, h, setText, showValue } from './dom.js';
import { prettyJson } from './json.js';

/** On submit, show the element that `act()` returns, or its error; one request at a time. */
export function onSubmit(form, result, act) {
  const button = form.querySelector('[type=submit]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    const label = button.textContent;
    setText(button, `${label}…`);
    try {
      result.replaceChildren(await act());
    } catch (error) {
      result.replaceChildren(failure(error.message));
    } finally {
      button.removeAttribute('aria-busy');
      setText(button, label);
    }
  });
}

export const failure = (message) => h('div', { class: 'result bad' }, h('p', {}, message));

/** A text, as indented JSON if it is JSON, with a button that copies the original. */
export function content(text, what) {
  const pre = h('pre', { tabindex: '0', dir: 'auto' }, prettyJson(text) ?? text);
  return h('div', { class: 'content' }, pre, copyButton(() => text, what));
}

export const keyOf = (room, identity = '') => JSON.stringify([room, identity]);

/** Fill a select with `[key, label]` pairs, keeping the choice. */
export function showOptions(select, entries) {
  const before = select.value;
  const options = entries.length ? entries : [['', 'no participants']];
  showValue(select, options, () => options.map(([value, label]) => h('option', { value }, label)));
  if (entries.some(([value]) => value === before)) select.value = before;
}

/** Labels of all participants, by key. */
export function participantOptions(rooms) {
  return rooms.flatMap(({ name, participants }) => participants.map(({ identity }) => [keyOf(name, identity), `${identity} in ${name}`]));
}
