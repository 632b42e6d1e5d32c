// Ways in beside the password: a link by mail, and a service that vouches, which is away in these tests.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, SIZES } from '../lib/browser.js';
import { mailServer } from '../lib/mail.js';
import { onEveryScreen } from '../lib/screens.js';
import { start } from '../lib/server.js';
import { own, OWNER, PASSWORD } from '../lib/team.js';

const NEW = 'another long password';

let server, browser, mail, owner, page;

before(async () => {
  mail = await mailServer();
  server = await start('serve', 'setup', [
    ...['--smtp-url', mail.url, '--mail-from', 'Fieldpost <laps@example.org>'],
    // Nothing listens on port 1.
    ...['--oidc-issuer', 'http://127.0.0.1:1', '--oidc-client-id', 'fieldpost', '--oidc-name', 'the club'],
  ]);
  browser = await launch();
  owner = await browser.newContext({ viewport: SIZES.desk, colorScheme: 'dark' });
  await own(owner, server);
  const context = await browser.newContext({ viewport: SIZES.phone, colorScheme: 'dark' });
  ({ page } = await open(context, server.origin));
});

after(async () => {
  await browser?.close();
  await server?.stop();
  mail?.stop();
});

const linkIn = (text) => text.match(/http:\S+\/reset#\S+/)[0];

test('a lost password is set anew by a link from the mail, once', async () => {
  await page.goto(`${server.origin}/signin`);
  await page.getByRole('link', { name: 'Password lost?' }).click();
  await page.getByLabel('E-mail').fill(OWNER);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  const link = linkIn(await mail.next());

  await page.goto(link);
  await page.getByLabel('New password').fill(NEW);
  assert.equal(page.url(), `${server.origin}/reset`, 'the token leaves the address bar');
  await page.getByRole('button', { name: 'Set it and sign in' }).click();
  await page.getByRole('heading', { name: 'Drop a file' }).waitFor();
  const old = await owner.request.get(`${server.origin}/api/v1/me`);
  assert.equal(old.status(), 401, 'who was signed in elsewhere is not any more');

  await page.goto(link);
  await page.getByLabel('New password').fill('a third long password');
  await page.getByRole('button', { name: 'Set it and sign in' }).click();
  await page.getByRole('heading', { name: 'This link is over' }).waitFor();
  for (const [password, status] of [
    [PASSWORD, 401],
    [NEW, 200],
  ]) {
    const answer = await owner.request.post(`${server.origin}/api/v1/session-cookie/login`, {
      data: { email: OWNER, password },
    });
    assert.equal(answer.status(), status);
  }
});

test('a service that is away says so and leaves the password as the way in', async () => {
  const fresh = await browser.newContext({ viewport: SIZES.phone });
  const { page: stranger } = await open(fresh, server.origin);
  await stranger.goto(`${server.origin}/signin`);
  await stranger.getByRole('link', { name: 'Continue with the club' }).click();
  await stranger.getByText('the club does not answer').waitFor();
  await stranger.getByLabel('E-mail').fill(OWNER);
  await stranger.getByLabel('Password').fill(NEW);
  await stranger.getByRole('button', { name: 'Sign in' }).click();
  await stranger.getByRole('heading', { name: 'Drop a file' }).waitFor();
});

test('the pages at both sizes and in both schemes', async (t) => {
  const pages = {
    'signin-ways': '/signin',
    'signin-refused': '/signin#sso=no_account',
    forgot: '/forgot',
    'forgot-sent': {
      path: '/forgot',
      ready: async (page) => {
        await page.getByLabel('E-mail').fill('nobody@example.org');
        await page.getByRole('button', { name: 'Send the link' }).click();
        await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
      },
    },
    reset: '/reset#token',
    'reset-no-link': '/reset',
  };
  await onEveryScreen(t, { browser, origin: server.origin, pages });
});
