// The form that calls a method.

import { ask } from './api.js';
import { anyCredentials, callerCredentials, onCredentials } from './credentials.js';
import { byId, h, setText, showValue } from './dom.js';
import { content, failure, keyOf, onSubmit, participantOptions, showOptions } from './form.js';
import { codeName, milliseconds } from './format.js';
import { calling } from './programs.js';
import { makeSnippet } from './snippet.js';

const TICK_MS = 100;

/** Returns `{show(state), choose(room, identity, method), again(call)}`. */
export function makeCall() {
  const form = byId('call-form');
  const result = byId('call-result');
  const { to, method, payload, timeout } = form.elements;
  const snippet = makeSnippet(byId('call-snippet'), 'Program that calls');
  let participants = new Map();

  const chosen = () => participants.get(to.value);
  const show = () => {
    const { room, identity, others } = chosen() ?? {};
    const isShown = room !== undefined && !byId('panel-call').hidden;
    snippet(
      calling(isShown ? callerCredentials(room, identity, others) : { url: anyCredentials().url }, {
        to: identity ?? '…',
        method: method.value || '…',
        payload: payload.value,
        timeout: timeout.valueAsNumber || 10,
      }),
    );
  };
  onCredentials(show);
  form.addEventListener('input', show);
  byId('tab-call').addEventListener('click', show);
  to.addEventListener('change', () => showMethods(chosen()));
  onSubmit(form, result, async () => {
    if (!chosen()) throw new Error('Choose a participant.');
    const { room, identity } = chosen();
    const running = makeRunning();
    result.replaceChildren(running.element);
    try {
      const request = { room, to: identity, method: method.value, payload: payload.value, timeout: timeout.valueAsNumber };
      return showOutcome(await ask('call', request, running.signal));
    } catch (error) {
      if (!running.signal.aborted) throw error;
      return failure(`Cancelled after ${milliseconds(running.time())}.`);
    } finally {
      running.stop();
    }
  });

  function choose(room, identity, name = '') {
    to.value = keyOf(room, identity);
    method.value = name;
    showMethods(chosen());
    show();
    (name ? payload : method).focus();
  }

  return {
    show({ rooms }) {
      participants = new Map(
        rooms.flatMap(({ name, participants: members }) => {
          const others = members.map(({ identity }) => identity);
          return members.map(({ identity, methods }) => [keyOf(name, identity), { room: name, identity, methods, others }]);
        }),
      );
      showOptions(to, participantOptions(rooms));
      showMethods(chosen());
      show();
    },
    choose,
    /** Repeat a logged call, if its callee is there and its payload was recorded. */
    again({ room, callee, method: name, request }) {
      choose(room, callee, name);
      const isKnown = request.size === 0 || (request.text !== undefined && !request.cut);
      payload.value = request.text ?? '';
      show();
      if (!chosen()) result.replaceChildren(failure(`${callee} is not in ${room} any more.`));
      else if (isKnown) form.requestSubmit();
      else result.replaceChildren(failure('The payload was not recorded completely. Enter it and call.'));
    },
  };
}

/** The running time of a call, with a button that cancels it. */
function makeRunning() {
  const controller = new AbortController();
  const started = performance.now();
  const time = () => performance.now() - started;
  const clock = h('span', { class: 'clock', 'aria-hidden': 'true' }, '0.0 s');
  const cancel = h('button', { type: 'button', id: 'call-cancel', onclick: () => controller.abort() }, 'Cancel');
  const element = h('div', { class: 'result wait' }, h('header', {}, h('span', {}, 'Calling… ', clock), cancel));
  const timer = setInterval(() => setText(clock, `${(time() / 1000).toFixed(1)} s`), TICK_MS);
  return { element, time, signal: controller.signal, stop: () => clearInterval(timer) };
}

function showMethods(participant) {
  const names = participant?.methods ?? [];
  showValue(byId('call-methods'), names, () => names.map((name) => h('option', { value: name })));
}

function showOutcome({ payload, code, message, data, took }) {
  const time = h('span', {}, milliseconds(took));
  if (code === undefined) {
    const response = payload === '' ? h('p', { class: 'hint' }, 'The response is empty.') : content(payload, 'the response');
    return h('div', { class: 'result' }, h('header', {}, h('span', {}, 'Response'), time), response);
  }
  const header = h('header', {}, h('span', {}, `Error ${code} (${codeName(code)})`), time);
  return h('div', { class: 'result bad' }, header, h('p', { dir: 'auto' }, message), data ? content(data, 'the data') : null);
}
