// Creating and updating elements. Text is only set as text nodes, so data from participants is never parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** Create an element; attributes that begin with `on` are event listeners. */
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

/** Set a text only if it has changed, to keep selections. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show a value as the children that `make()` returns; while it stays the same they are kept, and so is the focus. */
export function showValue(container, value, make) {
  const shown = JSON.stringify(value);
  if (container.dataset.shown === shown) return;
  container.dataset.shown = shown;
  container.replaceChildren(...make());
}

/**
 * Show one child element per item, in order. Elements are reused while their item exists, which keeps the focus.
 * `make(item)` returns an element with a method `show(item)`.
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

/** Create a button that copies the result of `text()`. */
export function copyButton(text, what) {
  const button = h('button', { type: 'button', class: 'quiet', 'aria-label': `Copy ${what}` }, 'Copy');
  makeCopy(button, text);
  return button;
}

/** Make a button copy the result of `text()` and confirm it. */
export function makeCopy(button, text) {
  button.addEventListener('click', async () => {
    let label = 'Copied';
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      label = 'Select and copy it';
    }
    button.textContent = label;
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  });
}
