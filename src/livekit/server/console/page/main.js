// The console of `livekit dev`: passes updates of the server to the parts of the page.

import { useKey } from './api.js';
import { makeCalls } from './calls.js';
import { byId, makeCopy, setText } from './dom.js';
import { listen } from './feed.js';
import { makeLearner } from './learn.js';
import { makeCall, makeJoin, makeOffer, setUrl } from './forms.js';
import { makeNotes } from './notes.js';
import { makeRooms } from './rooms.js';
import { showLive, showSummary } from './summary.js';
import { makeTabs } from './tabs.js';

const chooseTool = makeTabs(byId('tool-tabs'));
makeTabs(byId('log-tabs'));
makeJoin();
makeOffer();
const call = makeCall();
const calls = makeCalls();
const notes = makeNotes();
const learnMethods = makeLearner();
const showRooms = makeRooms((room, identity, method) => {
  chooseTool('tab-call');
  call.choose(room, identity, method);
  learnMethods.again(room, identity);
});
makeCopy(byId('copy-url'), () => byId('url').textContent);

let currentKey = '';
listen({
  live: showLive,
  hello({ key, url, version }) {
    useKey(key);
    setUrl(url);
    setText(byId('url'), url);
    setText(byId('version'), version);
    if (key === currentKey) return;
    // Another run of the server, which numbers its calls and events from 1.
    currentKey = key;
    for (const part of [calls, notes, learnMethods]) part.clear();
  },
  state(state) {
    for (const show of [showSummary, showRooms, learnMethods.show, call.show, calls.show, notes.show]) show(state);
  },
  calls: calls.take,
  notes: notes.take,
});
