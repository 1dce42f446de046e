// Participants in Node.js with @livekit/rtc-node, driven by lines of JSON on stdin and stdout.
// What the native library logs as a warning or worse goes to stderr.
import * as rtc from '@livekit/rtc-node';
import { createInterface } from 'node:readline';
import { Program } from './peer.mjs';

const WARNING = 1;

// By default it ratchets the key 16 times for each packet that it does not open: seconds, in which it loses its room.
const keyOptions = (key) => ({ sharedKey: new TextEncoder().encode(key), ratchetWindowSize: 0 });

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const sdk = {
  ...rtc,
  /** What encrypts with a key: options, as this SDK takes them. */
  encrypt: (key) => ({ forConnect: { encryption: { keyProviderOptions: keyOptions(key) } } }),
};
const program = new Program(say, async () => sdk);

const requests = createInterface({ input: process.stdin, crlfDelay: Infinity });
let listening = false;
requests.on('line', async (line) => {
  await program.handle(JSON.parse(line));
  if (!listening && globalThis._ffiClientInstance) {
    listening = true;
    globalThis._ffiClientInstance.on('ffi_event', ({ message }) => {
      if (message.case !== 'logs') return;
      for (const record of message.value.records) {
        if (record.level <= WARNING) console.error(record.target, record.message);
      }
    });
  }
});
requests.on('close', async () => {
  await program.leave();
  await rtc.dispose();
  process.exit(0);
});
