// Asking participants for their methods: each one once, when it has had time to register them, and when it is chosen.

import { ask } from './api.js';

const TIME_TO_REGISTER_MS = 700;
const MOST = 100;

/** Returns `{show(state), again(room, identity), clear()}`. */
export function makeLearner() {
  const known = new Set();
  let last = Promise.resolve();

  /** One after another. What went wrong, the server knows: it shows what it has. */
  function learn(room, identity) {
    last = last.then(() => ask('methods', { room, to: identity })).catch(() => {});
  }

  return {
    show({ rooms }) {
      const here = new Set();
      for (const room of rooms) {
        for (const { identity, sid, tells } of room.participants) {
          here.add(sid);
          if (!tells || known.has(sid) || known.size >= MOST) continue;
          known.add(sid);
          setTimeout(() => learn(room.name, identity), TIME_TO_REGISTER_MS);
        }
      }
      for (const sid of known) if (!here.has(sid)) known.delete(sid);
    },
    again: learn,
    clear: () => known.clear(),
  };
}
