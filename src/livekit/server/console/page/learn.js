// Method discovery: participants are asked once, after a delay for registering methods, and whenever they are selected.
// The server remembers the answer for all pages.

import { ask } from './api.js';

const TIME_TO_REGISTER_MS = 700;
const MAX_PARTICIPANTS = 100;

/** Returns `{show(state), again(room, identity), clear()}`. */
export function makeLearner() {
  const asked = new Set();
  let last = Promise.resolve();

  /** Ask one after the other; the result arrives with the next state. */
  function learn(room, identity) {
    last = last.then(() => ask('methods', { room, to: identity })).catch(() => {});
  }

  return {
    show({ rooms }) {
      const present = new Set();
      for (const room of rooms) {
        for (const { identity, sid, askable } of room.participants) {
          present.add(sid);
          if (!askable || asked.has(sid) || asked.size >= MAX_PARTICIPANTS) continue;
          asked.add(sid);
          setTimeout(() => learn(room.name, identity), TIME_TO_REGISTER_MS);
        }
      }
      for (const sid of asked) if (!present.has(sid)) asked.delete(sid);
    },
    again: learn,
    clear: () => asked.clear(),
  };
}
