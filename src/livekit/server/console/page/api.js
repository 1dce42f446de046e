// Actions that the page requests from the server.

let key = '';

/** Set the key of this run of the server, which only its own pages receive. */
export function useKey(newKey) {
  key = newKey;
}

/**
 * Request an action and return its result; throws an Error with a message for the user. Aborting `signal` cancels the
 * action on the server too.
 */
export async function ask(action, body, signal) {
  let response;
  try {
    response = await fetch(`/console/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Console-Key': key },
      body: JSON.stringify(body),
      signal,
    });
  } catch {
    throw new Error('The server does not respond. Is it still running?');
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let message = text;
  try {
    message = JSON.parse(text).error;
  } catch {
    // plain text
  }
  throw new Error(message);
}
