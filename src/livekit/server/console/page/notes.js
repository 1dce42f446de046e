// What happened besides calls, newest first.

import { byId, h, setText } from './dom.js';
import { clock } from './format.js';

const MOST = 200;

/** Returns `{clear, take(notes), show(state)}`. */
export function makeNotes() {
  const list = byId('notes');
  let last = 0;

  function makeNote({ at, room, who, text, problem }) {
    const words = [who, text].filter(Boolean).join(' ');
    const where = room ? h('span', { class: 'where' }, ` · ${room}`) : null;
    return h('li', {}, h('time', {}, clock(at)), h('span', problem ? { class: 'problem' } : {}, words, where));
  }

  return {
    take(notes) {
      const news = notes.filter(({ number }) => number > last);
      last = Math.max(last, ...news.map(({ number }) => number));
      list.prepend(...news.map(makeNote).reverse());
      while (list.children.length > MOST) list.lastChild.remove();
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
