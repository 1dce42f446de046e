// Room events and rejected requests, newest first.

import { byId, h, setText } from './dom.js';
import { clock } from './format.js';

const MAX_ENTRIES = 200;

/** Returns `{clear, take(notes), show(state)}`. */
export function makeNotes() {
  const list = byId('notes');
  let last = 0;

  function makeNote({ at, room, who, text, problem }) {
    const message = [h('bdi', {}, who), ` ${text}`];
    const location = room ? h('span', { class: 'where' }, ' · ', h('bdi', {}, room)) : null;
    return h('li', {}, h('time', {}, clock(at)), h('span', problem ? { class: 'problem' } : {}, ...message, location));
  }

  return {
    take(notes) {
      const added = notes.filter(({ number }) => number > last);
      last = Math.max(last, ...added.map(({ number }) => number));
      list.prepend(...added.map(makeNote).reverse());
      while (list.children.length > MAX_ENTRIES) list.lastChild.remove();
      byId('notes-empty').hidden = true;
    },
    clear() {
      last = 0;
      list.replaceChildren();
      byId('notes-empty').hidden = false;
    },
    show({ problems }) {
      byId('problems').hidden = problems === 0;
      setText(byId('problems'), String(problems));
      byId('problems').setAttribute('aria-label', `${problems} problems`);
    },
  };
}
