// Participants in Node.js with @livekit/rtc-node, driven by lines of JSON on stdin and stdout.
// What the native library logs as a warning or worse goes to stderr.
import * as rtc from '@livekit/rtc-node';
import { createInterface } from 'node:readline';
import { Program } from './peer.mjs';

const WARNING = 1;

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const program = new Program(say, async () => rtc);

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
