// A phone that joins a device's own network, as `crates/sim/tests/portal_linux` runs it there: what its system asks, the form without scripts, and the
// page that tells what came of it. Pictures of every page are left in PICTURES.

import { join } from 'node:path';

import { SIZES, launch } from './lib/browser.js';

const PAGES = 'http://4.3.2.1';
const PROBE = 'http://connectivitycheck.gstatic.com/generate_204';
const { PICTURES, SETUP_CODE } = process.env;

function demand(truth, text) {
  if (!truth) throw new Error(text);
}

async function phone(browser, colorScheme) {
  const context = await browser.newContext({
    viewport: SIZES.phone,
    colorScheme,
    javaScriptEnabled: false,
    httpCredentials: { username: 'anything', password: SETUP_CODE, send: 'unauthorized' },
  });
  const page = await context.newPage();
  const strangers = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(PAGES)) strangers.push(request.url());
  });
  const picture = (name) => page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), fullPage: true });
  return { page, strangers, picture, close: () => context.close() };
}

/** Everything that can be touched is large enough for a thumb, and nothing is wider than the screen. */
async function fitsThumbs(page) {
  const size = page.viewportSize();
  for (const control of await page.locator('button, input:not([type=hidden]):not([type=radio]), label.n, a').all()) {
    const box = await control.boundingBox();
    const text = await control.evaluate((element) => element.outerHTML.slice(0, 60));
    demand(box.height >= 44, `${text} is ${box.height} high`);
    demand(box.x >= 0 && box.x + box.width <= size.width, `${text} is cut off`);
  }
}

async function fillsInTheForm(browser) {
  const { page, strangers, picture, close } = await phone(browser, 'dark');
  await page.goto(PROBE);
  demand(page.url() === `${PAGES}/`, `the system's question led to ${page.url()}`);
  await fitsThumbs(page);
  await picture('1-form');
  await page.getByLabel('Paddock 5').check();
  await page.getByLabel('Password').fill('wrong-password');
  await page.getByLabel('Address').fill('logs.example.org');
  await page.getByLabel('Claim code').fill('7KQ2-MX41');
  await page.getByRole('button', { name: 'Save and join' }).click();
  await page.getByRole('heading', { name: 'Joining' }).waitFor();
  demand(page.url() === `${PAGES}/result`, `the form led to ${page.url()}`);
  await picture('2-joining');
  await page.getByText('does not take this password').waitFor();
  await picture('3-refused');
  await page.getByRole('link', { name: 'Try again' }).click();
  demand((await page.getByLabel('Password').inputValue()) === '', 'the password is shown');
  await page.getByLabel('Or another name').fill('Zoë & Co "5G"');
  await page.getByLabel('Password').fill('Sehr+geheim%&=1');
  await page.getByRole('button', { name: 'Save and join' }).click();
  await page.getByText('the server knows it').waitFor();
  await picture('4-online');
  const beyond = strangers.filter((url) => url !== PROBE);
  demand(beyond.length === 0, `asked elsewhere: ${beyond}`);
  await close();
}

async function looksRound(browser) {
  for (const scheme of ['dark', 'light']) {
    const { page, picture, close } = await phone(browser, scheme);
    await page.goto(`${PAGES}/`);
    await page.screenshot({ path: join(PICTURES, `5-first-glance-${scheme}.png`) });
    await picture('5-form');
    await page.getByRole('link', { name: 'Status' }).click();
    await fitsThumbs(page);
    await picture('6-status');
    await page.getByRole('link', { name: 'Recordings' }).click();
    await page.getByRole('link', { name: 'Session 3' }).waitFor();
    await fitsThumbs(page);
    await picture('7-recordings');
    await page.goto('http://captive.apple.com/hotspot-detect.html');
    await picture('8-apple');
    await page.waitForURL(`${PAGES}/`);
    await page.goto(`${PAGES}/no-such-page`);
    await picture('9-notice');
    await close();
  }
}

const browser = await launch();
try {
  await fillsInTheForm(browser);
  await looksRound(browser);
  process.stdout.write('the form was filled in and the result read\n');
} finally {
  await browser.close();
}
