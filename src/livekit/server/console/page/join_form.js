// The form that creates tokens, and the program that handles calls.

import { ask } from './api.js';
import { anyCredentials, onCredentials, setLatest } from './credentials.js';
import { byId, copyButton, h } from './dom.js';
import { onSubmit } from './form.js';
import { joining, registering } from './programs.js';
import { makeSnippet } from './snippet.js';

export function makeJoin() {
  const form = byId('join-form');
  const snippet = makeSnippet(byId('join-snippet'), 'Program that joins');
  onCredentials(() => snippet(joining(anyCredentials())));
  onSubmit(form, byId('join-result'), async () => {
    const data = new FormData(form);
    const { room, identity, name, hours } = Object.fromEntries(data);
    const grants = Object.fromEntries(['publish', 'update', 'hidden', 'admin'].map((grant) => [grant, data.has(grant)]));
    const { token } = await ask('token', { room, identity, name, hours: Number(hours), ...grants });
    setLatest({ token, identity, room, mayCall: grants.publish && !grants.hidden });
    const title = h('span', { class: 'cut' }, 'Token for ', h('bdi', {}, identity), ' in ', h('bdi', {}, room));
    const header = h('header', {}, title, copyButton(() => token, 'the token'));
    return h('div', { class: 'result' }, header, h('pre', { tabindex: '0', id: 'token' }, token));
  });
}

export function makeOffer() {
  const form = byId('offer-form');
  const snippet = makeSnippet(byId('offer-snippet'), 'Program that registers a method');
  const show = () => snippet(registering(anyCredentials(), form.elements.method.value || '…'));
  form.addEventListener('input', show);
  form.addEventListener('submit', (event) => event.preventDefault());
  onCredentials(show);
}
