// What the page may have the server do.

let key = '';

/** The key of this start of the server, which it tells its own pages alone. */
export function useKey(told) {
  key = told;
}

/** Ask for something; throws an Error with a message for people. */
export async function ask(action, body) {
  let response;
  try {
    response = await fetch(`/console/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Console-Key': key },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error('The server does not answer: is it still running?');
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let message = text;
  try {
    message = JSON.parse(text).error;
  } catch {
    // it is plain text
  }
  throw new Error(message);
}
