// The console of `livekit dev`: passes updates of the server to the parts of the page.

import { useKey } from './api.js';
import { makeCall } from './call_form.js';
import { makeCalls } from './calls.js';
import { forgetTokens, setUrl } from './credentials.js';
import { byId, makeCopy, setText } from './dom.js';
import { makeEdit } from './edit.js';
import { listen } from './feed.js';
import { makeJoin, makeOffer } from './join_form.js';
import { makeLearner } from './learn.js';
import { makeMethods } from './methods.js';
import { makeNotes } from './notes.js';
import { makeRooms } from './rooms.js';
import { makeSend } from './send_form.js';
import { showLive, showSummary } from './summary.js';
import { makeTabs } from './tabs.js';

const chooseTool = makeTabs(byId('tool-tabs'));
const chooseLog = makeTabs(byId('log-tabs'));
makeJoin();
makeOffer();
const call = makeCall();
const send = makeSend();
const calls = makeCalls((logged) => {
  chooseTool('tab-call');
  call.again(logged);
});
const methods = makeMethods((method) => {
  chooseLog('tab-calls');
  calls.filter(method);
});
const notes = makeNotes();
const learnMethods = makeLearner();
const showRooms = makeRooms({
  call(room, identity, method) {
    chooseTool('tab-call');
    call.choose(room, identity, method);
    learnMethods.again(room, identity);
  },
  send(room, identity) {
    chooseTool('tab-send');
    send.choose(room, identity);
  },
  edit: makeEdit(),
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
    forgetTokens();
    for (const part of [calls, methods, notes, learnMethods]) part.clear();
  },
  state(state) {
    for (const show of [showSummary, showRooms, learnMethods.show, call.show, send.show, calls.show, notes.show]) show(state);
  },
  calls: calls.take,
  methods: methods.show,
  notes: notes.take,
});
