// Details of one call.

import { h, showValue } from './dom.js';
import { content } from './form.js';
import { bytes, codeName, milliseconds } from './format.js';

/** A row below that of the call, with a button for `again(call)`. */
export function makeDetails(again) {
  const facts = h('dl', { class: 'facts' });
  let current = null;
  const repeat = h('button', { type: 'button', onclick: () => again(current) }, 'Call again');
  const row = h('tr', { class: 'detail' }, h('td', { colspan: '5' }, facts, repeat));
  row.show = (call) => {
    current = call;
    repeat.hidden = call.state === 'encrypted' || !call.callee;
    showValue(facts, call, () => list(call).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
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
    ['method', h('bdi', {}, call.method)],
    ['from', call.caller ? h('bdi', {}, call.caller) : 'the server: this page or a backend'],
    ['to', call.callee ? h('bdi', {}, call.callee) : 'everyone'],
    ['room', h('bdi', {}, call.room)],
    ['request ID', h('code', {}, call.id)],
    ['protocol', call.version === 2 ? 'version 2 (text streams)' : 'version 1 (packets)'],
    ['timeout', `${Math.round(call.timeout * 100) / 100} s`],
    ['acknowledged', call.acked === undefined ? 'not yet' : `after ${milliseconds(call.acked)}`],
    ['request', payload(call.request, 'the request')],
  ];
  if (call.response) facts.push(['response', payload(call.response, 'the response')]);
  if (call.code !== undefined) facts.push(['error', `${call.code} (${codeName(call.code)}) ${call.message}`]);
  if (call.data) facts.push(['error data', content(call.data, 'the data')]);
  return facts;
}

function payload({ size, text, cut }, what) {
  const summary = cut ? `${bytes(size)}, truncated` : bytes(size);
  return text ? h('div', {}, summary, content(text, what)) : summary;
}
