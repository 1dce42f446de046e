// Details of one call.

import { h } from './dom.js';
import { bytes, codeName, milliseconds } from './format.js';

/** A row below that of the call. */
export function makeDetails() {
  const facts = h('dl', { class: 'facts' });
  const row = h('tr', { class: 'detail' }, h('td', { colspan: '5' }, facts));
  row.show = (call) => {
    const shown = JSON.stringify(call);
    if (facts.dataset.shown === shown) return;
    facts.dataset.shown = shown;
    facts.replaceChildren(...list(call).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  };
  return row;
}

function list(call) {
  if (call.state === 'encrypted') {
    return [
      ['content', 'End-to-end encrypted: neither the server nor this page can read these packets.'],
      ['room', call.room],
      ['size', bytes(call.request.size)],
    ];
  }
  const facts = [
    ['room', call.room],
    ['request ID', h('code', {}, call.id)],
    ['protocol', call.version === 2 ? 'version 2 (text streams)' : 'version 1 (packets)'],
    ['timeout', `${Math.round(call.timeout * 100) / 100} s`],
    ['acknowledged', call.acked === undefined ? 'not yet' : `after ${milliseconds(call.acked)}`],
    ['request', content(call.request)],
  ];
  if (call.response) facts.push(['response', content(call.response)]);
  if (call.code !== undefined) facts.push(['error', `${call.code} (${codeName(call.code)}) ${call.message}`]);
  if (call.data) facts.push(['error data', h('pre', { tabindex: '0' }, call.data)]);
  return facts;
}

function content({ size, text, cut }) {
  const summary = cut ? `${bytes(size)}, truncated` : bytes(size);
  return text ? h('div', {}, summary, h('pre', { tabindex: '0' }, text)) : summary;
}
