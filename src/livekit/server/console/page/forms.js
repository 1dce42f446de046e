// The forms: join, call, register.

import { ask } from './api.js';
import { byId, copyButton, h, setText } from './dom.js';
import { codeName, milliseconds } from './format.js';
import { calling, joining, registering } from './programs.js';
import { makeSnippet } from './snippet.js';

/** The URL, and the latest token. */
const credentials = { url: '…', token: '', identity: '' };
const shows = [];

export function setUrl(url) {
  credentials.url = url;
  for (const show of shows) show();
}

export function makeJoin() {
  const form = byId('join-form');
  const result = byId('join-result');
  const snippet = makeSnippet(byId('join-snippet'), 'Program that joins');
  shows.push(() => snippet(joining(credentials)));
  onSubmit(form, result, async () => {
    const data = new FormData(form);
    const { room, identity, name, hours } = Object.fromEntries(data);
    const grants = Object.fromEntries(['publish', 'update', 'hidden', 'admin'].map((grant) => [grant, data.has(grant)]));
    const { token } = await ask('token', { room, identity, name, hours: Number(hours), ...grants });
    Object.assign(credentials, { token, identity });
    for (const show of shows) show();
    const header = h('header', {}, `Token for ${identity} in ${room}`, copyButton(() => token, 'the token'));
    return h('div', { class: 'result' }, header, h('pre', { tabindex: '0', id: 'token' }, token));
  });
}

/** Returns `{show(state), choose(room, identity, method)}`. */
export function makeCall() {
  const form = byId('call-form');
  const { to, method, payload, timeout } = form.elements;
  const snippet = makeSnippet(byId('call-snippet'), 'Program that calls');
  let participants = new Map();

  const chosen = () => participants.get(to.value);
  const show = () =>
    snippet(
      calling(credentials, {
        to: chosen()?.identity ?? '…',
        method: method.value || '…',
        payload: payload.value,
        timeout: timeout.valueAsNumber || 10,
      }),
    );
  shows.push(show);
  form.addEventListener('input', show);
  to.addEventListener('change', () => showMethods(chosen()));
  onSubmit(form, byId('call-result'), async () => {
    const request = { ...chosen(), method: method.value, payload: payload.value, timeout: timeout.valueAsNumber };
    return showOutcome(await ask('call', { room: request.room, to: request.identity, ...request }));
  });

  return {
    show({ rooms }) {
      const before = to.value;
      participants = new Map(
        rooms.flatMap(({ name, participants: members }) =>
          members.map(({ identity, methods }) => [`${identity} in ${name}`, { room: name, identity, methods }]),
        ),
      );
      showParticipants(to, [...participants.keys()], before);
      showMethods(chosen());
      show();
    },
    choose(room, identity, name = '') {
      to.value = `${identity} in ${room}`;
      method.value = name;
      showMethods(chosen());
      show();
      (name ? payload : method).focus();
    },
  };
}

export function makeOffer() {
  const form = byId('offer-form');
  const snippet = makeSnippet(byId('offer-snippet'), 'Program that registers a method');
  const show = () => snippet(registering(credentials, form.elements.method.value || '…'));
  form.addEventListener('input', show);
  form.addEventListener('submit', (event) => event.preventDefault());
  shows.push(show);
}

function showParticipants(select, names, before) {
  const shown = JSON.stringify(names);
  if (select.dataset.shown === shown) return;
  select.dataset.shown = shown;
  const options = names.map((name) => h('option', { value: name }, name));
  select.replaceChildren(...(options.length ? options : [h('option', { value: '' }, 'no participants')]));
  if (names.includes(before)) select.value = before;
}

function showMethods(participant) {
  const names = participant?.methods ?? [];
  const list = byId('call-methods');
  const shown = JSON.stringify(names);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...names.map((name) => h('option', { value: name })));
}

function showOutcome({ payload, code, message, data, took }) {
  const time = h('span', {}, milliseconds(took));
  if (code === undefined) {
    const response = payload === '' ? h('p', { class: 'hint' }, 'The response is empty.') : h('pre', { tabindex: '0' }, payload);
    return h('div', { class: 'result' }, h('header', {}, h('span', {}, 'Response'), time), response);
  }
  const header = h('header', {}, h('span', {}, `Error ${code} (${codeName(code)})`), time);
  return h('div', { class: 'result bad' }, header, h('p', {}, message), data ? h('pre', { tabindex: '0' }, data) : null);
}

/** On submit, show the element that `act` returns, or its error; one request at a time. */
function onSubmit(form, result, act) {
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
      result.replaceChildren(h('div', { class: 'result bad' }, h('p', {}, error.message)));
    } finally {
      button.removeAttribute('aria-busy');
      setText(button, label);
    }
  });
}
