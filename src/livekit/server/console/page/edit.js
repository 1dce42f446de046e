// The dialog that edits name, metadata and attributes of a participant.

import { ask } from './api.js';
import { byId, h, setText } from './dom.js';
import { onSubmit } from './form.js';

/** Return the function that opens the dialog for a participant. */
export function makeEdit() {
  const dialog = byId('edit');
  const form = byId('edit-form');
  const rows = byId('edit-attributes');
  const { name, metadata } = form.elements;
  let participant = null;
  let before = null;

  function addRow(key = '', value = '') {
    const row = h(
      'li',
      { class: 'pair attribute' },
      h('input', { class: 'key', value: key, placeholder: 'attribute', 'aria-label': 'Attribute', spellcheck: 'false', dir: 'auto' }),
      h('input', { class: 'value', value, placeholder: 'value', 'aria-label': `Value of ${key || 'the attribute'}`, spellcheck: 'false', dir: 'auto' }),
      h('button', { type: 'button', 'aria-label': `Delete ${key || 'the attribute'}`, onclick: () => row.remove() }, '×'),
    );
    rows.append(row);
    return row;
  }

  /** Only what has changed is sent: the participant may change the rest meanwhile. */
  function changes() {
    const entries = Array.from(rows.children, (row) => [row.querySelector('.key').value, row.querySelector('.value').value]);
    const wanted = Object.fromEntries(entries.filter(([key]) => key));
    const attributes = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => before.attributes[key] !== value));
    for (const key of Object.keys(before.attributes)) if (!(key in wanted)) attributes[key] = '';
    return {
      name: name.value === before.name ? '' : name.value,
      metadata: metadata.value === before.metadata ? '' : metadata.value,
      attributes,
    };
  }

  byId('edit-add').addEventListener('click', () => addRow().querySelector('input').focus());
  byId('edit-cancel').addEventListener('click', () => dialog.close());
  onSubmit(form, byId('edit-error'), async () => {
    await ask('update', { ...participant, ...changes() });
    dialog.close();
    return '';
  });

  return async (room, identity) => {
    participant = { room, to: identity };
    try {
      before = await ask('participant', participant);
    } catch {
      return; // it has left
    }
    setText(byId('edit-title'), `Edit ${identity}`);
    setText(byId('edit-own'), before.own ? 'It may change all of this itself.' : 'It may not change this itself.');
    byId('edit-error').replaceChildren();
    [name.value, metadata.value] = [before.name, before.metadata];
    rows.replaceChildren();
    for (const [key, value] of Object.entries(before.attributes).sort()) addRow(key, value);
    dialog.showModal();
  };
}
