// Every page at both sizes in both schemes: no accessibility violation, nothing refused by the policy, and a picture
// of each in shots/ for a person to look at.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.js';
import { ellipse } from '../lib/recording.js';
import { onEveryScreen } from '../lib/screens.js';
import { start } from '../lib/server.js';

let server, browser, cookies, sessions;

before(async () => {
  server = await start('serve', 'setup');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('pages before anybody is signed in', async (t) => {
  const doors = {
    setup: server.link.pathname + server.link.hash,
    'setup-without-token': '/setup',
    link: '/link#used',
    signin: '/signin',
  };
  await onEveryScreen(t, { browser, origin: server.origin, pages: doors, expected });
});

test('pages of the owner', async (t) => {
  const context = await browser.newContext();
  const own = async (path, body) => {
    const answer = await context.request.post(server.origin + path, body);
    assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
    return answer;
  };
  const account = { token: server.link.hash.slice(1), email: 'owner@example.org', password: 'a long enough password' };
  await own('/api/v1/setup', { data: account });
  cookies = (await context.storageState()).cookies;
  const screens = (pages) => onEveryScreen(t, { browser, origin: server.origin, cookies, pages, expected });
  await screens({ 'pit-lane-empty': '/' });

  const send = async (name, content) => {
    const answer = await own(`/api/upload?filename=${name}`, {
      data: Buffer.from(content),
      headers: { 'content-type': 'application/octet-stream' },
    });
    return (await answer.json()).session_id;
  };
  sessions = {
    good: await send('ellipse.nmea', ellipse({ lapS: 40, laps: 5 })),
    bad: await send('shopping.txt', 'milk\nbread\n'),
  };
  const page = await context.newPage();
  await page.goto(`${server.origin}/session/${sessions.good}`);
  await page.locator('tr[data-best]').waitFor({ timeout: 60_000 });
  await page.goto(`${server.origin}/session/${sessions.bad}`);
  await page.getByRole('heading', { name: 'This file could not be analysed.' }).waitFor({ timeout: 60_000 });
  await context.close();

  await screens({
    'pit-lane': '/',
    session: `/session/${sessions.good}`,
    failed: `/session/${sessions.bad}`,
    'no-such-session': '/session/none',
  });
});

test('figures have a minus of their own that is as wide as a digit, and digits of their own beside it', async () => {
  const { page } = await open(await browser.newContext(), server.origin);
  await page.goto(`${server.origin}/signin`);
  const figures = await page.evaluate(async () => {
    await document.fonts.load("100px 'JetBrains Mono'", '0-\u2212');
    const canvas = document.createElement('canvas').getContext('2d');
    const measure = (font, text) => {
      canvas.font = `100px ${font}`;
      const { width, actualBoundingBoxLeft, actualBoundingBoxRight } = canvas.measureText(text);
      return { width: Math.round(width), ink: Math.round(actualBoundingBoxRight + actualBoundingBoxLeft) };
    };
    const own = "'JetBrains Mono', serif";
    return {
      minus: measure(own, '\u2212'),
      hyphen: measure(own, '-'),
      zero: measure(own, '0'),
      fallback: measure('serif', '0'),
    };
  });
  assert.equal(figures.minus.width, figures.zero.width);
  assert.ok(figures.minus.ink > figures.hyphen.ink, JSON.stringify(figures));
  assert.notDeepEqual(figures.zero, figures.fallback);
  await page.context().close();
});

/** Browsers log answers that are not 2xx; these pages are about such an answer. */
const expected = (name, complaint) =>
  (name === 'link' && /status of (403|429)/.test(complaint)) ||
  (name === 'no-such-session' && complaint.includes('status of 404'));
