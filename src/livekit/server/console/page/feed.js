// What the server tells, as it happens.

const RETRY_MS = 3000;

/** Listen for ever; `told` has a function for each kind of event, and `live(isLive)`. */
export function listen(told) {
  const source = new EventSource('/console/feed');
  for (const kind of ['hello', 'state', 'calls', 'notes']) {
    source.addEventListener(kind, (event) => told[kind](JSON.parse(event.data)));
  }
  source.addEventListener('open', () => told.live(true));
  source.addEventListener('error', () => {
    told.live(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(told), RETRY_MS);
  });
}
