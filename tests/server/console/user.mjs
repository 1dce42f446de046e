// A user of a browser, driven by JSON lines on stdin and stdout.
// Usage: node user.mjs PATH-OF-CHROMIUM FOLDER-WITH-NODE_MODULES
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [executablePath, folder] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/`)('playwright-core');
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
const PATIENCE_MS = 60_000; // a loaded machine starts a browser slowly
const RUNNER = `<!doctype html><script type="importmap">{"imports": {"livekit-client": "/sdk.js"}}</script>
<script type="module" src="/program.js"></script>`;

/** Files of the site that runs programs. */
const files = {
  '/': ['text/html', RUNNER],
  '/sdk.js': ['text/javascript', await readFile(`${folder}/node_modules/livekit-client/dist/livekit-client.esm.mjs`)],
};
const runnerSite = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ['text/plain', ''];
  response.writeHead(200, { 'content-type': type }).end(body);
});
await new Promise((resolve) => runnerSite.listen(0, '127.0.0.1', resolve));

const browser = await chromium.launch({ executablePath, headless: true, args });
let page = null;
let problems = [];
let origins = new Set();

const actions = {
  async open({ url, width, height, dark }) {
    await page?.context().close();
    problems = [];
    origins = new Set();
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(PATIENCE_MS);
    context.setDefaultNavigationTimeout(PATIENCE_MS);
    page = await context.newPage();
    page.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => origins.add(new URL(request.url()).origin));
    await page.goto(url);
    await page.locator('#live[data-live=yes]').waitFor();
  },
  /** Call a method of the page or of the element that a selector finds. */
  do: ({ selector, call, given }) => (selector ? page.locator(selector) : page)[call](...given),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
  picture: async ({ path }) => void (await page.screenshot({ path, fullPage: true })),
  /** Return the problems and the origins of requests so far. */
  seen: async () => ({ problems, origins: [...origins] }),
  /** Run a program in a page of its own and return its first output. The page stays open until the next `open`. */
  async run({ program }) {
    files['/program.js'] = ['text/javascript', program];
    const runner = await page.context().newPage();
    const firstOutput = new Promise((resolve, reject) => {
      runner.on('console', (message) => message.type() === 'log' && resolve(message.text()));
      runner.on('pageerror', reject);
    });
    await runner.goto(`http://127.0.0.1:${runnerSite.address().port}/`);
    return await firstOutput;
  },
};

const requests = createInterface({ input: process.stdin, crlfDelay: Infinity });
requests.on('line', async (line) => {
  const { id, do: what, ...given } = JSON.parse(line);
  let reply;
  try {
    reply = { reply: id, value: (await actions[what](given)) ?? null };
  } catch (error) {
    reply = { reply: id, error: { type: error.name, message: error.message } };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
});
requests.on('close', async () => {
  await browser.close();
  runnerSite.close();
});
