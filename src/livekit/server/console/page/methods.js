// Durations and failures by method.

import { byId, h, setText, showList } from './dom.js';
import { milliseconds } from './format.js';

/** Returns `{clear, show(methods)}`; a click on a method calls `chosen(method)`. */
export function makeMethods(chosen) {
  const body = byId('methods').tBodies[0];

  function show(methods) {
    const isOneRoom = new Set(methods.map(({ room }) => room)).size === 1;
    byId('methods').hidden = methods.length === 0;
    byId('methods-empty').hidden = methods.length > 0;
    const busiest = methods.slice().sort((one, other) => other.calls - one.calls);
    const rows = busiest.map((method) => ({ ...method, where: isOneRoom ? '' : method.room }));
    showList(body, rows, ({ room, method }) => JSON.stringify([room, method]), (first) => makeRow(first, chosen));
  }
  return { show, clear: () => show([]) };
}

function makeRow({ method }, chosen) {
  const open = h('button', { type: 'button', class: 'link', dir: 'auto', title: `Calls of ${method}`, onclick: () => chosen(method) }, method || '(unnamed)');
  const room = h('bdi', { class: 'where' });
  const cells = ['calls', 'share', 'p50', 'p95'].map((name) => h('td', { class: `number ${name}` }));
  const row = h('tr', {}, h('td', { class: 'method' }, open, room), ...cells);
  row.show = ({ calls, failed, p50, p95, where }) => {
    setText(room, where);
    const share = (100 * failed) / calls;
    const percent = failed && share < 1 ? '< 1 %' : `${Math.round(share)} %`;
    const texts = [calls.toLocaleString('en'), percent, p50 === null ? '–' : milliseconds(p50), p95 === null ? '–' : milliseconds(p95)];
    cells.forEach((cell, index) => setText(cell, texts[index]));
    cells[1].classList.toggle('problem', failed > 0);
    cells[1].title = `${failed.toLocaleString('en')} of ${calls.toLocaleString('en')}`;
  };
  return row;
}
