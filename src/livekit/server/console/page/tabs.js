// Tabs according to the ARIA Authoring Practices: arrow keys, Home and End; roving tabindex.

/** Set up a `tablist`; `chosen(tab)` is called for each selection. Returns a function that selects a tab by its ID. */
export function makeTabs(list, chosen = () => {}) {
  const tabs = Array.from(list.querySelectorAll('[role=tab]'));

  function choose(tab) {
    for (const each of tabs) {
      const isChosen = each === tab;
      each.setAttribute('aria-selected', String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
      const panel = document.getElementById(each.getAttribute('aria-controls'));
      if (panel) panel.hidden = tab.getAttribute('aria-controls') !== panel.id;
    }
    chosen(tab);
  }

  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[role=tab]');
    if (tab) choose(tab);
  });
  list.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(event.target);
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    if (at < 0 || !(event.key in moves)) return;
    event.preventDefault();
    const tab = tabs[(moves[event.key] + tabs.length) % tabs.length];
    choose(tab);
    tab.focus();
  });
  choose(tabs.find((tab) => tab.getAttribute('aria-selected') === 'true') ?? tabs[0]);
  return (id) => choose(tabs.find((tab) => tab.id === id));
}
