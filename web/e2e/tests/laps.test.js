// A person's first minute: the setup link, a file dropped on Pit Lane, the best lap read from the table.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { launch, open, SIZES } from '../lib/browser.js';
import { ellipse } from '../lib/recording.js';
import { CORPUS, start } from '../lib/server.js';

const SCRIPT_BYTES_MAX = 200 * 1024;
const DOVEX = path.join(CORPUS, 'okc-tillotson-data.dovex');

let server, browser, context, page, complaints;

before(async () => {
  server = await start('serve', 'setup');
  browser = await launch();
  context = await browser.newContext({ viewport: SIZES.desk, colorScheme: 'dark' });
  ({ page, complaints } = await open(context, server.origin));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the setup link makes the owner and leads to an empty Pit Lane that teaches', async () => {
  await page.goto(server.link.href);
  await page.getByLabel('E-mail').fill('owner@example.org');
  await page.getByLabel('Password').fill('a long enough password');
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('heading', { name: 'Drop a file' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/');
});

test('a dropped recording of exactly 40 s a lap is timed at 40 s a lap', async () => {
  await drop(page, 'ellipse.nmea', Buffer.from(ellipse({ lapS: 40, laps: 5 })));
  const best = await bestOf(page, 'ellipse.nmea');
  assert.ok(Math.abs(best - 40) < 0.02, `best lap ${best} s`);
});

test('another start line is used when given, and one that makes no sense is refused in words', async () => {
  await page.getByText('Analyse again with another start line').click();
  await page.getByLabel('Start line').fill('by the old oak');
  await page.getByRole('button', { name: 'Analyse again' }).click();
  await page.getByRole('alert').waitFor();
  // The eastern end of the ellipse.
  await page.getByLabel('Start line').fill('45.7,13.103348~25');
  await page.getByRole('button', { name: 'Analyse again' }).click();
  await page.getByText('The start line is the one given by hand.').waitFor({ timeout: 60_000 });
  const times = await page.locator('tr[data-kind=timed] td.time').allInnerTexts();
  assert.deepEqual([...new Set(times.map((time) => Number(time).toFixed(2)))], ['40.00']);
});

test('on a stage each way back to the start is a row of its own, reached by a tap and by the keys', async () => {
  await page.getByText('Analyse again with another start line').click();
  // From the eastern end of the ellipse to the western one: half a round timed, half a round back.
  await page.getByLabel('Start line').fill('45.7,13.103348~25');
  await page.getByLabel('Finish line').fill('45.7,13.096652~25');
  await page.getByRole('button', { name: 'Analyse again' }).click();
  const rows = page.locator('.laps tbody tr');
  const out = page.locator('.laps tr[data-kind=out]');
  await out.nth(1).waitFor({ timeout: 60_000 });
  const times = await page.locator('tr[data-kind=timed] td.time').allInnerTexts();
  assert.deepEqual([...new Set(times.map((time) => Number(time).toFixed(1)))], ['20.0']);

  const selected = () => rows.evaluateAll((all) => all.flatMap((row, i) => (row.matches('.selected') ? [i] : [])));
  const count = await rows.count();
  assert.equal(new Set(await out.locator('th').allInnerTexts()).size, 1, 'out laps share a number');
  await out.nth(1).getByRole('button').click();
  assert.deepEqual(await selected(), [await out.nth(1).evaluate((row) => row.sectionRowIndex)]);
  for (let i = 0; i < count; i += 1) await page.keyboard.press('[');
  const seen = [await selected()];
  for (let i = 1; i < count; i += 1) {
    await page.keyboard.press(']');
    seen.push(await selected());
  }
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, i) => [i]),
  );
  await page.goto(server.origin);
});

test('the same file again is said to be here already', async () => {
  await drop(page, 'ellipse.nmea', Buffer.from(ellipse({ lapS: 40, laps: 5 })));
  await page.getByText('Already here, nothing was added.').waitFor();
  assert.equal(await page.locator('li a[href^="/session/"]').filter({ hasText: 'ellipse.nmea' }).count(), 1);
  await page.goto(server.origin);
});

test('a file that is no recording is kept, explained and offered for another analysis', async () => {
  await drop(page, 'shopping.txt', Buffer.from('milk\nbread\n'));
  await page.getByText('Stored, but not analysed:').waitFor();
  await page.getByRole('link', { name: 'Look' }).click();
  await page.getByRole('heading', { name: 'This file could not be analysed.' }).waitFor();
  await page.getByText('Nothing is lost').waitFor();
  await page.getByRole('button', { name: 'Analyse again' }).waitFor();
  await page.goto(server.origin);
});

test('a real kart session shows the best lap that its logger showed', async (t) => {
  if (!existsSync(DOVEX)) {
    process.stderr.write(`SKIPPED: corpus absent (${DOVEX})\n`);
    t.skip('corpus absent');
    return;
  }
  await drop(page, 'okc-tillotson-data.dovex', readFileSync(DOVEX));
  const best = await bestOf(page, 'okc-tillotson-data.dovex');
  assert.ok(Math.abs(best - 55.604) <= 0.05, `best lap ${best} s`);
});

test('arrow keys move the cursor on charts and map together, brackets change the lap', async () => {
  if (!page.url().includes('/session/')) await page.locator('a[href^="/session/"]').first().click();
  await page.locator('.uplot canvas').first().waitFor();
  await page.keyboard.press(']');
  await page.keyboard.press('Shift+ArrowRight');
  const dot = page.locator('svg circle.dot');
  await dot.waitFor();
  const before = await dot.getAttribute('cx');
  const readout = page.locator('figcaption').first();
  const said = await readout.innerText();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  assert.notEqual(await dot.getAttribute('cx'), before);
  assert.notEqual(await readout.innerText(), said);
  const lap = await page.locator('tr.selected th').first().innerText();
  await page.keyboard.press('[');
  assert.notEqual(await page.locator('tr.selected th').first().innerText(), lap);
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('move the cursor').waitFor();
  await page.keyboard.press('Escape');
});

test('a finger across a chart moves the cursor, a finger down it moves the page, a turned phone turns it', async () => {
  const phone = await browser.newContext({
    viewport: SIZES.phone,
    hasTouch: true,
    isMobile: true,
    storageState: await context.storageState(),
  });
  const { page: touched } = await open(phone, server.origin);
  await touched.goto(page.url());
  const chart = touched.locator('figure .box').first();
  await chart.locator('canvas').waitFor();
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const said = () => touched.locator('figcaption .values').first().innerText();
  const scrolled = () => touched.evaluate('scrollY');

  const before = await scrolled();
  await swipe(touched, [x, y], [x + 120, y]);
  const after = await said();
  assert.match(after, /\d/);
  assert.equal(await scrolled(), before);
  await swipe(touched, [x, y], [x, y - 150]);
  assert.ok((await scrolled()) > before + 50, `${before} → ${await scrolled()}`);

  await touched.setViewportSize({ width: SIZES.phone.height, height: SIZES.phone.width });
  await untilCanvas(touched, (width) => width > 700);
  await touched.setViewportSize(SIZES.phone);
  await untilCanvas(touched, (width) => width <= SIZES.phone.width);
  assert.equal(await touched.evaluate('document.documentElement.scrollWidth'), SIZES.phone.width);
  await phone.close();
});

test('the session page needs at most 200 KB of scripts', async () => {
  const fresh = await context.newPage();
  const scripts = new Map();
  fresh.on('response', (response) => {
    if (/\.js$/.test(new URL(response.url()).pathname)) scripts.set(response.url(), response);
  });
  await fresh.goto(page.url());
  await fresh.locator('.uplot canvas').first().waitFor();
  const sizes = await Promise.all(
    [...scripts.values()].map(async (response) => gzipSync(await response.body()).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`session page: ${scripts.size} scripts, ${(total / 1024).toFixed(1)} KB gzip`);
  assert.ok(total <= SCRIPT_BYTES_MAX, `${total} bytes`);
  await fresh.close();
});

test('nothing in all this broke the content security policy, threw, or asked another host', () => {
  // The start line that makes no sense was refused, which browsers log.
  const unexpected = complaints.filter((complaint) => !/status of 4(00|22)/.test(complaint));
  assert.deepEqual(unexpected, []);
});

/** Asks from outside: the page's policy refuses functions made of text, which waiting inside it would need. */
async function untilCanvas(page, wide) {
  const end = Date.now() + 10_000;
  let width;
  do
    width = await page
      .locator('figure canvas')
      .first()
      .evaluate((canvas) => canvas.clientWidth);
  while (!wide(width) && Date.now() < end);
  assert.ok(wide(width), `a chart is ${width} px wide`);
}

/** A finger as the browser gets it from the screen: it decides itself between scrolling and handing over. */
async function swipe(page, from, to) {
  const screen = await page.context().newCDPSession(page);
  const touch = (type, points) =>
    screen.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
  await touch('touchStart', [from]);
  for (let i = 1; i <= 10; i += 1) {
    await touch('touchMove', [from.map((start, axis) => start + ((to[axis] - start) * i) / 10)]);
  }
  await touch('touchEnd', []);
  await screen.detach();
}

/** Drops a file on the page as a desktop does. */
async function drop(page, name, content) {
  const transfer = await page.evaluateHandle(
    ([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name));
      return transfer;
    },
    [name, content.toString('base64')],
  );
  await page.getByRole('button', { name: 'Add recordings' }).waitFor();
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

/** Waits for the laps of an added file, opens its session and reads the best lap from the lap table, in seconds. */
async function bestOf(page, name) {
  const item = page
    .locator('li')
    .filter({ hasText: name })
    .filter({ hasText: /\d+ laps?, best/ });
  await item.getByRole('link', { name: 'Look' }).click({ timeout: 60_000 });
  const text = await page.locator('tr[data-best] td.time').innerText();
  return text
    .trim()
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0);
}
