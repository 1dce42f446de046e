// Live updates from the server (server-sent events).

const RETRY_MS = 3000;
const KINDS = ['hello', 'state', 'calls', 'methods', 'notes'];

/**
 * Listen while the page is visible: browsers limit connections per server, across all its pages.
 * `handlers` has a function for each kind of event, and `live(isLive)`.
 */
export function listen(handlers) {
  let source = null;

  function open() {
    source = new EventSource('/console/feed');
    for (const kind of KINDS) source.addEventListener(kind, (event) => handlers[kind](JSON.parse(event.data)));
    source.addEventListener('open', () => handlers.live(true));
    source.addEventListener('error', () => {
      handlers.live(false);
      // The browser reconnects by itself, unless the server rejected the request.
      if (source?.readyState === EventSource.CLOSED) setTimeout(reopen, RETRY_MS);
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  function reopen() {
    close();
    if (!document.hidden) open();
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? close() : reopen()));
  reopen();
}
