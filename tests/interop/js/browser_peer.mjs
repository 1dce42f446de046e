// Participants in a headless Chromium with livekit-client, driven by lines of JSON on stdin and stdout.
// Usage: node browser_peer.mjs PATH-OF-CHROMIUM. Serves the page and the SDK on 127.0.0.1 itself.
// What the page logs as a warning or worse goes to stderr.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PAGE = `<!doctype html><title>peer</title><link rel="icon" href="data:,"><script type="module">
import { Program } from '/peer.mjs';
const load = async (name) => {
  const sdk = await import('/sdk/' + name + '/esm');
  sdk.setLogLevel('warn');
  /** What encrypts with a key: options, as this SDK takes them, and what to do before connecting. */
  const encrypt = async (key) => {
    const keyProvider = new sdk.ExternalE2EEKeyProvider({ ratchetWindowSize: 0 });
    await keyProvider.setKey(key);
    const worker = new Worker('/sdk/' + name + '/e2ee.worker', { type: 'module' });
    return { forRoom: { encryption: { keyProvider, worker } }, started: (room) => room.setE2EEEnabled(true) };
  };
  return { ...sdk, encrypt };
};
globalThis.program = new Program(globalThis.say, load);
</script>`;
const FLAGS = [
  '--autoplay-policy=no-user-gesture-required',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const file = (path) => readFile(new URL(path, import.meta.url));

async function content(path) {
  if (path === '/') return ['text/html', PAGE];
  if (path === '/peer.mjs' || path === '/audio.mjs') return ['text/javascript', await file(path.slice(1))];
  const [, sdk, part] = /^\/sdk\/([\w-]+)\/(esm|e2ee\.worker)$/.exec(path) ?? [];
  return sdk ? ['text/javascript', await file(`node_modules/${sdk}/dist/livekit-client.${part}.mjs`)] : null;
}

const server = createServer(async (request, response) => {
  const found = await content(request.url).catch(() => null);
  if (found) response.writeHead(200, { 'content-type': found[0] }).end(found[1]);
  else response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const browser = await chromium.launch({ executablePath: process.argv[2], headless: true, args: FLAGS });
const page = await browser.newPage();
page.on('console', (message) => {
  if (['warning', 'error'].includes(message.type())) console.error(message.text());
});
page.on('pageerror', (error) => console.error(String(error)));
await page.exposeFunction('say', (message) => process.stdout.write(`${JSON.stringify(message)}\n`));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => globalThis.program !== undefined);

const requests = createInterface({ input: process.stdin, crlfDelay: Infinity });
requests.on('line', (line) => page.evaluate((request) => globalThis.program.handle(request), JSON.parse(line)));
requests.on('close', async () => {
  await page.evaluate(() => globalThis.program.leave());
  await browser.close();
  server.close();
});
