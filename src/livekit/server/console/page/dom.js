// Making and keeping elements. Text is only ever set as text: what participants send is never read as markup.

export const byId = (id) => document.getElementById(id);

/** An element; attributes that begin with `on` are listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (typeof value === 'boolean') element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set a text only if it changed, so that selections stay. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Have a container show one element for each item, in order. Elements are kept while their item is there, and with
 * them the focus. `make(item)` gives an element with a method `show(item)`.
 */
export function showList(container, items, keyOf, make) {
  const known = new Map(Array.from(container.children, (element) => [element.dataset.key, element]));
  let previous = null;
  for (const item of items) {
    const key = keyOf(item);
    let element = known.get(key);
    known.delete(key);
    if (!element) {
      element = make(item);
      element.dataset.key = key;
    }
    element.show(item);
    const place = previous ? previous.nextSibling : container.firstChild;
    if (place !== element) container.insertBefore(element, place);
    previous = element;
  }
  for (const element of known.values()) element.remove();
}

/** A button that copies what `text()` gives. */
export function copyButton(text, what) {
  const button = h('button', { type: 'button', class: 'quiet', 'aria-label': `Copy ${what}` }, 'Copy');
  makeCopy(button, text);
  return button;
}

/** Have a button copy, and say that it did. */
export function makeCopy(button, text) {
  button.addEventListener('click', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      said = 'Select it and copy';
    }
    button.textContent = said;
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  });
}
