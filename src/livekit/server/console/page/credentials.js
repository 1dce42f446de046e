// The server's URL and the tokens that the programs on the page contain.

import { ask } from './api.js';

const HOURS = 6;
const RENEW_MS = (HOURS - 1) * 3_600_000;

let url = '…';
let latest = null; // created in the form
const minted = new Map(); // by room
const listeners = [];

/** Call `listener` whenever the credentials change. */
export const onCredentials = (listener) => void listeners.push(listener);

function changed() {
  for (const listener of listeners) listener();
}

export function setUrl(newUrl) {
  url = newUrl;
  changed();
}

/** Forget all tokens: another run of the server may have other keys. */
export function forgetTokens() {
  latest = null;
  minted.clear();
  changed();
}

/** Use a token that was created in the form: `{token, identity, room, mayCall}`. */
export function setLatest(credentials) {
  latest = credentials;
  changed();
}

/** The latest token, for any room. */
export const anyCredentials = () => ({ url, ...latest });

/**
 * A token for a caller in `room`, which must not have the identity of the callee: a participant replaces one of the same
 * identity. The first request for a room creates it; `onCredentials` reports it.
 */
export function callerCredentials(room, callee, present) {
  if (latest?.room === room && latest.mayCall && latest.identity !== callee) return { url, ...latest };
  const known = minted.get(room);
  if (known && known.identity !== callee && Date.now() - known.created < RENEW_MS) return { url, ...known };
  const identity = unused('caller', [...present, callee]);
  const created = Date.now();
  minted.set(room, { room, identity, created, token: '' });
  ask('token', { room, identity, hours: HOURS }).then(
    ({ token }) => {
      minted.set(room, { room, identity, created, token });
      changed();
    },
    () => minted.delete(room),
  );
  return { url, room, identity, token: '' };
}

function unused(name, taken) {
  let candidate = name;
  for (let number = 2; taken.includes(candidate); number += 1) candidate = `${name}-${number}`;
  return candidate;
}
