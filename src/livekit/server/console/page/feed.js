// What the server tells, as it happens.

const RETRY_MS = 3000;
const KINDS = ['hello', 'state', 'calls', 'notes'];

/**
 * Listen while the page can be seen: browsers open few connections to one server, whatever the number of its pages.
 * `told` has a function for each kind of event, and `live(isLive)`.
 */
export function listen(told) {
  let source = null;

  function open() {
    source = new EventSource('/console/feed');
    for (const kind of KINDS) source.addEventListener(kind, (event) => told[kind](JSON.parse(event.data)));
    source.addEventListener('open', () => told.live(true));
    source.addEventListener('error', () => {
      told.live(false);
      // The browser tries again by itself, unless the server refused.
      if (source?.readyState === EventSource.CLOSED) setTimeout(again, RETRY_MS);
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  function again() {
    close();
    if (!document.hidden) open();
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? close() : again()));
  again();
}
