// The form that sends data packets, text streams and chat messages.

import { ask } from './api.js';
import { byId, h } from './dom.js';
import { keyOf, onSubmit, participantOptions, showOptions } from './form.js';
import { count } from './format.js';

/** Returns `{show(state), choose(room, identity)}`. */
export function makeSend() {
  const form = byId('send-form');
  const { to, kind, topic, text, reliable } = form.elements;

  function showKind() {
    byId('send-topic').hidden = kind.value === 'chat';
    byId('send-reliable').hidden = kind.value !== 'data';
  }
  kind.addEventListener('change', showKind);
  showKind();
  onSubmit(form, byId('send-result'), async () => {
    if (!to.value) throw new Error('There are no participants.');
    const [room, identity] = JSON.parse(to.value);
    const message = { kind: kind.value, topic: topic.value, text: text.value, reliable: reliable.checked };
    const { receivers } = await ask('send', { room, to: identity, ...message });
    return h('div', { class: 'result' }, h('p', {}, `Sent to ${count(receivers, 'participant', 'participants')}.`));
  });

  return {
    show({ rooms }) {
      const everyone = rooms.map(({ name }) => [keyOf(name), `everyone in ${name}`]);
      showOptions(to, [...everyone, ...participantOptions(rooms)]);
    },
    choose(room, identity) {
      to.value = keyOf(room, identity);
      text.focus();
    },
  };
}
