// Somebody at a browser, driven by lines of JSON on stdin and stdout.
// Usage: node user.mjs PATH-OF-CHROMIUM FOLDER-OF-NODE-MODULES
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [executablePath, modules] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)('playwright-core');
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
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
    context.setDefaultTimeout(15000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => origins.add(new URL(request.url()).origin));
    await page.goto(url);
    await page.locator('#live[data-live=yes]').waitFor();
  },
  /** A method of the page, or of what a selector finds. */
  do: ({ selector, call, given }) => (selector ? page.locator(selector) : page)[call](...given),
  press: ({ key }) => page.keyboard.press(key),
  evaluate: ({ script }) => page.evaluate(script),
  clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
  picture: async ({ path }) => void (await page.screenshot({ path, fullPage: true })),
  seen: async () => ({ problems, origins: [...origins] }),
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
requests.on('close', () => browser.close());
