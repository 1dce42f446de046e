// Rooms and participants.

import { byId, h, setText, showList } from './dom.js';
import { bytes, clock, count, rate } from './format.js';

/** Return the function that shows the rooms; a click on a participant's method calls `call(room, identity, method)`. */
export function makeRooms(call) {
  const container = byId('rooms');
  return ({ rooms, more }) => {
    byId('rooms-empty').hidden = rooms.length > 0;
    showList(container, rooms, (room) => room.sid, (room) => makeRoom(room, call));
    const title = byId('rooms-title');
    setText(title, more ? `Rooms (${more} more not shown)` : 'Rooms');
  };
}

function makeRoom(first, call) {
  const title = h('h3', {}, first.name);
  const about = h('span');
  const list = h('ul', { class: 'people', 'aria-label': `Participants of ${first.name}` });
  const element = h('section', { class: 'room', 'aria-label': `Room ${first.name}` }, h('header', {}, title, about), list);
  element.show = (room) => {
    const size = count(room.participants.length + room.more, 'participant', 'participants');
    const hidden = room.more ? `, ${room.more} of them not shown` : '';
    setText(about, `${size}${hidden}, since ${clock(room.created)}`);
    showList(list, room.participants, (person) => person.sid, (person) => makePerson(room.name, person, call));
  };
  return element;
}

function makePerson(room, first, call) {
  const name = h('strong', { title: first.identity }, first.identity);
  const button = h('button', { type: 'button', class: 'quiet', 'aria-label': `Call a method of ${first.identity}` }, 'Call…');
  button.addEventListener('click', () => call(room, first.identity));
  const about = h('p');
  const rates = h('p', { class: 'rates' });
  const methods = h('div', { class: 'chips' });
  const facts = h('dl');
  const more = h('details', {}, h('summary', {}, 'Attributes and metadata'), facts);
  const dot = h('span', { class: 'dot', 'aria-hidden': 'true' });
  const element = h('li', { class: 'person' }, h('header', {}, dot, name, button), about, rates, methods, more);
  element.show = (person) => {
    element.dataset.state = person.state;
    setText(about, describe(person));
    setText(rates, `↑ ${rate(person.sending)} (${bytes(person.sent)})   ↓ ${rate(person.receiving)} (${bytes(person.received)})`);
    showMethods(methods, person, (method) => call(room, first.identity, method));
    showFacts(more, facts, person);
  };
  return element;
}

function describe({ name, kind, state, client, hidden, joined }) {
  const parts = [name, client, kind === 'standard' ? '' : kind, hidden ? 'hidden' : ''];
  parts.push(state === 'active' ? `since ${clock(joined)}` : 'connecting');
  return parts.filter(Boolean).join(' · ');
}

function showMethods(place, { methods, announced }, chosen) {
  const shown = JSON.stringify([methods, announced]);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  place.hidden = !methods.length && !announced;
  place.title = announced ? 'Announced by the participant.' : 'Inferred from its responses; it may have more.';
  const chip = (method) =>
    h('button', { type: 'button', class: 'chip', title: `Call ${method}`, onclick: () => chosen(method) }, method);
  place.replaceChildren(announced && !methods.length ? 'no methods' : 'methods', ...methods.map(chip));
}

function showFacts(more, facts, { metadata, attributes }) {
  const entries = Object.entries(attributes);
  if (metadata) entries.unshift(['metadata', metadata]);
  more.hidden = entries.length === 0;
  showList(facts, entries, ([name]) => name, makeFact);
}

function makeFact([name]) {
  const value = h('dd', { class: 'mono' });
  const element = h('div', {}, h('dt', {}, name), value);
  element.show = ([, text]) => setText(value, text);
  return element;
}
