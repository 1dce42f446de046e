// Rooms and participants: a list to search and to fold.

import { ask } from './api.js';
import { byId, h, setText, showList, showValue } from './dom.js';
import { bits, bytes, clock, count, rate } from './format.js';

const MAX_OPEN = 4; // more participants are shown folded, unless they were unfolded by hand
const CONFIRM_MS = 5000;

/** Return the function that shows the rooms. `actions`: `call(room, identity, method)`, `send` and `edit` (room, identity). */
export function makeRooms(actions) {
  const container = byId('rooms');
  const filter = byId('people-filter');
  const fold = byId('people-fold');
  const people = () => Array.from(container.querySelectorAll('.person > details'));

  function refilter() {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const room of container.children) {
      let found = 0;
      for (const person of room.querySelectorAll('.person')) {
        person.hidden = !person.words.includes(wanted);
        found += !person.hidden;
      }
      room.hidden = wanted !== '' && found === 0;
      shown += found;
    }
    byId('people-none').hidden = shown > 0 || wanted === '';
  }

  filter.addEventListener('input', refilter);
  fold.addEventListener('click', () => {
    const all = people();
    const open = !all.some((details) => details.open);
    for (const details of all) Object.assign(details, { open, isChosen: true });
    showFold();
  });
  container.addEventListener('toggle', showFold, true);

  function showFold() {
    setText(fold, people().some((details) => details.open) ? 'Fold all' : 'Unfold all');
  }

  return ({ rooms, more, participants }) => {
    byId('rooms-empty').hidden = rooms.length > 0;
    byId('people-tools').hidden = participants === 0;
    const isLong = participants > MAX_OPEN;
    showList(container, rooms, (room) => room.sid, (room) => makeRoom(room, actions));
    for (const details of people()) if (!details.isChosen) details.open = !isLong;
    setText(byId('rooms-title'), more ? `Participants (${more} more rooms not shown)` : 'Participants');
    showFold();
    refilter();
  };
}

function makeRoom(first, actions) {
  const about = h('span');
  const list = h('ul', { class: 'people', 'aria-label': `Participants of ${first.name}` });
  const title = h('summary', {}, h('h3', { title: first.name, dir: 'auto' }, first.name), about);
  const element = h('section', { class: 'room', 'aria-label': `Room ${first.name}` }, h('details', { open: true }, title, list));
  element.show = (room) => {
    const size = count(room.participants.length + room.more, 'participant', 'participants');
    setText(about, room.more ? `${size}, ${room.more} not shown` : size);
    about.title = `since ${clock(room.created)}`;
    showList(list, room.participants, (person) => person.sid, (person) => makePerson(room.name, person, actions));
  };
  return element;
}

function makePerson(room, first, actions) {
  const { identity } = first;
  const note = h('span', { class: 'brief' });
  const about = h('p');
  const rates = h('p', { class: 'rates' });
  const tracks = h('ul', { class: 'tracks' });
  const methods = h('div', { class: 'chips' });
  const facts = h('dl');
  const error = h('p', { class: 'problem', role: 'status' });
  const button = (label, what, act) => h('button', { type: 'button', class: 'quiet', 'aria-label': `${what} ${identity}`, onclick: act }, label);
  const buttons = h(
    'div',
    { class: 'acts' },
    button('Call…', 'Call a method of', () => actions.call(room, identity)),
    button('Send…', 'Send to', () => actions.send(room, identity)),
    button('Edit…', 'Edit', () => actions.edit(room, identity)),
    makeRemove(room, identity, error),
  );
  const dot = h('span', { class: 'dot', 'aria-hidden': 'true' });
  const summary = h('summary', {}, dot, h('strong', { title: identity, dir: 'auto' }, identity), note);
  const details = h('details', {}, summary, about, rates, tracks, methods, facts, buttons, error);
  summary.addEventListener('click', () => (details.isChosen = true));
  const element = h('li', { class: 'person' }, details);
  element.show = (person) => {
    element.dataset.state = person.state;
    element.words = words(room, person);
    setText(note, brief(person));
    setText(about, describe(person));
    setText(rates, `↑ ${rate(person.sending)} (${bytes(person.sent)})   ↓ ${rate(person.receiving)} (${bytes(person.received)})`);
    showTracks(tracks, person);
    showMethods(methods, person, (method) => actions.call(room, identity, method));
    showFacts(facts, person);
  };
  return element;
}

/** Asks before it removes. */
function makeRemove(room, identity, error) {
  const label = 'Remove';
  const button = h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${identity}` }, label);
  let timer = null;
  const reset = () => {
    clearTimeout(timer);
    timer = null;
    button.classList.remove('danger');
    setText(button, label);
    button.setAttribute('aria-label', `Remove ${identity}`);
  };
  button.addEventListener('blur', reset);
  button.addEventListener('click', async () => {
    if (timer === null) {
      button.classList.add('danger');
      setText(button, 'Remove now?');
      button.removeAttribute('aria-label');
      timer = setTimeout(reset, CONFIRM_MS);
      return;
    }
    reset();
    await ask('remove', { room, to: identity }).catch(({ message }) => setText(error, message));
  });
  return button;
}

const words = (room, { identity, name, kind, client, methods, attributes, metadata }) =>
  [room, identity, name, kind, client, ...methods, ...Object.entries(attributes).flat(), metadata].join('\n').toLowerCase();

function brief({ state, sending, receiving, methods, hidden, tracks }) {
  if (state !== 'active') return 'connecting';
  if (tracks.length) return count(tracks.length, 'track', 'tracks');
  if (sending + receiving > 0) return rate(sending + receiving);
  if (hidden) return 'hidden';
  return methods.length ? count(methods.length, 'method', 'methods') : '';
}

function describe({ name, kind, state, client, hidden, joined }) {
  const parts = [name, client, kind === 'standard' ? '' : kind, hidden ? 'hidden' : ''];
  parts.push(state === 'active' ? `since ${clock(joined)}` : 'connecting');
  return parts.filter(Boolean).join(' · ');
}

function showTracks(list, { tracks }) {
  list.hidden = tracks.length === 0;
  showList(list, tracks, (track) => track.sid, makeTrack);
}

function makeTrack({ sid }) {
  const about = h('span');
  const level = h('meter', { min: '0', max: '1', 'aria-label': 'audio level' });
  const element = h('li', { title: sid }, about, level);
  element.show = (track) => {
    const { name, kind, codec, muted, subscribers } = track;
    const parts = [name || kind, codec, muted ? 'muted' : bits(track.rate), count(subscribers, 'subscriber', 'subscribers')];
    if (track.lost) parts.push(`${track.lost} lost`);
    setText(about, parts.filter(Boolean).join(' · '));
    level.hidden = kind !== 'audio';
    level.value = Math.min(track.level, 1);
  };
  return element;
}

function showMethods(place, { methods, announced }, chosen) {
  place.hidden = !methods.length && !announced;
  place.title = announced ? 'Announced by the participant.' : 'Inferred from its responses; it may have more.';
  const chip = (method) =>
    h('button', { type: 'button', class: 'chip', title: `Call ${method}`, dir: 'auto', onclick: () => chosen(method) }, method);
  showValue(place, [methods, announced], () => [announced && !methods.length ? 'no methods' : 'methods', ...methods.map(chip)]);
}

function showFacts(facts, { metadata, attributes }) {
  const entries = Object.entries(attributes);
  if (metadata) entries.unshift(['metadata', metadata]);
  facts.hidden = entries.length === 0;
  showList(facts, entries, ([name]) => name, makeFact);
}

function makeFact([name]) {
  const value = h('dd', { class: 'mono', dir: 'auto' });
  const element = h('div', {}, h('dt', { dir: 'auto' }, name), value);
  element.show = ([, text]) => setText(value, text);
  return element;
}
