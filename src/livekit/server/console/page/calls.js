// RPC calls through the server, newest first.

import { ask } from './api.js';
import { byId, h, setText } from './dom.js';
import { clock, codeName, count, milliseconds } from './format.js';
import { makeDetails } from './details.js';

const MAX_ROWS = 300;
const TICK_MS = 200;
const STATES = {
  waiting: ['wait', () => 'waiting'],
  answered: ['good', () => 'OK'],
  failed: ['bad', (call) => `${call.code} ${call.message}`],
  cancelled: ['wait', () => 'cancelled by the caller'],
  'not found': ['bad', (call) => coded(call, 'no such participant')],
  unacknowledged: ['bad', (call) => coded(call, 'not acknowledged')],
  'timed out': ['bad', (call) => coded(call, 'timed out')],
  'callee left': ['bad', (call) => coded(call, `${call.callee} left`)],
  'caller left': ['wait', (call) => `${call.caller} left`],
  aborted: ['bad', () => 'response aborted'],
  encrypted: ['', (call) => `${count(call.packets, 'encrypted packet', 'encrypted packets')}`],
};
const isFailed = ({ state }) => STATES[state][0] === 'bad';
const coded = ({ code }, text) => (code === undefined ? text : `${code} ${text}`);

/** Returns `{clear, filter(text), take(calls), show(state)}`; `again(call)` repeats a call. */
export function makeCalls(again) {
  const rows = new Map();
  const waiting = new Map(); // while paused
  const table = byId('calls');
  const filter = byId('calls-filter');
  const onlyFailed = byId('calls-failed');
  const pause = byId('calls-pause');
  const payloads = byId('calls-payloads');
  const isPaused = () => pause.getAttribute('aria-pressed') === 'true';

  function put(call) {
    let row = rows.get(call.number);
    if (!row) {
      row = makeRow(again);
      rows.set(call.number, row);
      table.tHead.after(row);
      if (rows.size > MAX_ROWS) remove(Math.min(...rows.keys()));
    }
    row.show(call);
    row.hidden = !matches(call);
  }

  function remove(number) {
    rows.get(number).remove();
    rows.delete(number);
  }

  function matches(call) {
    const text = `${call.method} ${call.caller || 'server'} ${call.callee} ${call.room}`.toLowerCase();
    return text.includes(filter.value.trim().toLowerCase()) && (isFailed(call) || !onlyFailed.checked);
  }

  setInterval(() => {
    for (const row of rows.values()) if (row.call.state === 'waiting') row.tick();
  }, TICK_MS);

  function refilter() {
    for (const row of rows.values()) row.hidden = !matches(row.call);
    showEmpty();
  }

  function showEmpty() {
    const shown = Array.from(rows.values()).some((row) => !row.hidden);
    table.hidden = !shown;
    byId('calls-empty').hidden = shown;
    setText(byId('calls-empty'), rows.size ? 'No call matches the filter.' : 'No calls yet. Calls through the server appear here.');
  }

  function take(calls) {
    if (isPaused()) {
      for (const call of calls) waiting.set(call.number, call);
      while (waiting.size > MAX_ROWS) waiting.delete(waiting.keys().next().value);
      setText(pause, `Resume (${waiting.size} more)`);
      return;
    }
    for (const call of calls.sort((one, other) => one.number - other.number)) put(call);
    showEmpty();
  }

  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(!isPaused()));
    setText(pause, isPaused() ? 'Resume' : 'Pause');
    if (!isPaused()) {
      take(Array.from(waiting.values()));
      waiting.clear();
    }
  });
  filter.addEventListener('input', refilter);
  onlyFailed.addEventListener('change', refilter);
  payloads.addEventListener('change', () => {
    ask('payloads', { keep: payloads.checked }).catch(() => (payloads.checked = !payloads.checked));
  });

  return {
    take,
    filter(text) {
      filter.value = text;
      refilter();
      filter.focus();
    },
    clear() {
      for (const number of Array.from(rows.keys())) remove(number);
      waiting.clear();
      showEmpty();
    },
    show(state) {
      payloads.checked = state.payloads;
      const notes = [];
      if (state.forgotten) notes.push(`${count(state.forgotten, 'call was', 'calls were')} dropped before the response arrived: too many concurrent calls.`);
      if (state.unmatched) notes.push(`${count(state.unmatched, 'packet', 'packets')} did not match any known call.`);
      byId('calls-note').hidden = notes.length === 0;
      setText(byId('calls-note'), notes.join(' '));
    },
  };
}

/** A `tbody` with the row of the call and, if expanded, the row of its details. */
function makeRow(again) {
  const name = h('bdi');
  const open = h('button', { type: 'button', class: 'open', 'aria-expanded': 'false' }, name);
  const time = h('td', { class: 'time' });
  const from = h('bdi');
  const to = h('bdi');
  const direction = h('td', { class: 'way' }, h('div', {}, from, h('span', { class: 'arrow' }, '→'), to));
  const took = h('td', { class: 'number' });
  const pill = h('span', { class: 'pill' });
  const line = h('tr', {}, time, h('td', { class: 'name' }, open), direction, took, h('td', { class: 'result-cell' }, pill));
  const body = h('tbody', {}, line);
  let details = null;

  open.addEventListener('click', () => {
    if (details) details.remove();
    details = details ? null : makeDetails(again);
    if (details) {
      details.show(body.call);
      body.append(details);
    }
    open.setAttribute('aria-expanded', String(details !== null));
  });
  body.show = (call) => {
    body.call = call;
    const [kind, text] = STATES[call.state];
    setText(name, call.method || (call.state === 'encrypted' ? 'encrypted' : '(unnamed)'));
    open.title = call.method;
    setText(time, clock(call.at));
    for (const [place, name] of [[from, call.caller || 'server'], [to, call.callee || 'everyone']]) {
      setText(place, name);
      place.title = name;
    }
    if (call.state !== 'waiting') setText(took, call.took === undefined || call.state === 'encrypted' ? '' : milliseconds(call.took));
    setText(pill, text(call));
    pill.title = call.code === undefined ? '' : codeName(call.code);
    pill.className = `pill ${kind}`;
    details?.show(call);
  };
  /** Show the running time of a waiting call. */
  body.tick = () => setText(took, `${(Math.max(0, Date.now() - body.call.at) / 1000).toFixed(1)} s`);
  return body;
}
