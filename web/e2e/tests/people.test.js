// People: invited by a link, given roles, removed; what each role is offered. Every visitor is a browser of their own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, SIZES, visitors } from '../lib/browser.js';
import { onEveryScreen } from '../lib/screens.js';
import { start } from '../lib/server.js';
import { addLogger, addSession, ask, own, OWNER, PASSWORD, signIn, statusAs } from '../lib/team.js';

const CREW = 'crew@example.org';

let server, browser, visitor, complaints, owner, ownerPage, crewPage, session, logger;

before(async () => {
  server = await start('serve', 'setup');
  browser = await launch();
  ({ visitor, complaints } = visitors(browser, server.origin));
  ({ context: owner, page: ownerPage } = await visitor(SIZES.desk));
  await own(owner, server);
  await ask(owner, server, 'PATCH', '/api/v1/team', { name: 'Karting Lignano' });
  session = await addSession(owner, server);
  logger = await addLogger(owner, server, 'RS-Core 7F3A');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('an invitation link, opened in another browser, makes an account with the role that was given', async () => {
  await ownerPage.goto(`${server.origin}/team`);
  await ownerPage.getByText('The only owner.').waitFor();
  assert.equal(await ownerPage.getByLabel(`Role of ${OWNER}`).isDisabled(), true, 'a team keeps its last owner');
  await ownerPage.getByLabel('E-mail').fill(CREW);
  await ownerPage.getByRole('combobox', { name: 'Role', exact: true }).selectOption('viewer');
  await ownerPage.getByRole('button', { name: 'Make a link' }).click();
  const link = await ownerPage
    .getByRole('group', { name: `Link for ${CREW}` })
    .locator('code')
    .innerText();
  await ownerPage.getByText('Invited, not here yet').waitFor();

  ({ page: crewPage } = await visitor(SIZES.phone));
  const asked = [];
  crewPage.on('request', (request) => asked.push(request.url()));
  await crewPage.goto(link);
  await crewPage.getByRole('heading', { name: 'Join Karting Lignano' }).waitFor();
  assert.equal(crewPage.url(), `${server.origin}/invitation`, 'the token leaves the address bar');
  await crewPage.getByText(`${OWNER} invites ${CREW} as a viewer.`).waitFor();
  await crewPage.getByLabel('Choose a password').fill(PASSWORD);
  await crewPage.getByRole('button', { name: 'Join' }).click();
  await crewPage.getByRole('heading', { name: 'Sessions' }).waitFor();
  const token = link.split('#')[1];
  assert.deepEqual(
    asked.filter((url) => url.includes(token)),
    [],
    'the token is in no address that the server sees',
  );
  await crewPage.goto(link);
  await crewPage.getByRole('heading', { name: 'This invitation is over' }).waitFor();
});

test('a viewer sees everything and is offered nothing that changes it', async () => {
  const offered = async (path, shown) => {
    await crewPage.goto(server.origin + path);
    await shown.waitFor();
    const controls = crewPage.locator('main').locator('button, select, input, summary');
    return (await controls.allInnerTexts()).map((text) => text.trim()).filter(Boolean);
  };
  assert.deepEqual(await offered('/', crewPage.getByRole('link', { name: /ellipse/ })), []);
  assert.deepEqual(await offered('/team', crewPage.getByText(OWNER)), ['Leave']);
  assert.deepEqual(await offered('/devices', crewPage.getByText('RS-Core 7F3A')), []);
  const device = await offered(`/devices/${logger.id}`, crewPage.getByText('12.35 GB'));
  assert.deepEqual(
    device.filter((text) => !text.startsWith('What else')),
    [],
  );
  await offered(`/session/${session}`, crewPage.locator('tr[data-best]'));
  for (const name of ['Share', 'Analyse again']) {
    assert.equal(await crewPage.getByRole('button', { name }).count(), 0, name);
  }
  await crewPage.getByRole('link', { name: 'Download' }).waitFor();
});

test('a role that is given counts from the next page on', async () => {
  await ownerPage.reload();
  await ownerPage.getByLabel(`Role of ${CREW}`).selectOption('member');
  await ownerPage.getByText(`${CREW} is a member now.`).waitFor();
  await crewPage.goto(`${server.origin}/devices`);
  await crewPage.getByRole('button', { name: 'Add a device' }).waitFor();
});

test('a claim code is shown large with its life, and the page says when the device is here', async () => {
  await crewPage.getByRole('button', { name: 'Add a device' }).click();
  await crewPage.getByLabel('Name').fill('Kart 7');
  await crewPage.getByRole('button', { name: 'Claim code' }).click();
  const code = await crewPage.locator('p.code').innerText();
  assert.match(code, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
  await crewPage.getByText(/^1[45]:\d\d$/).waitFor();
  const body = JSON.stringify({ code: code.toLowerCase() });
  const claimed = await fetch(`${server.origin}/api/v1/devices/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.equal(claimed.status, 201);
  await crewPage.getByText('Kart 7 is here.').waitFor({ timeout: 20_000 });
  await crewPage.getByRole('button', { name: 'Close' }).click();
  await crewPage.getByRole('link', { name: /Kart 7/ }).waitFor();
});

test('a device gets a token that is shown once, another one, and an end that has to be confirmed', async () => {
  await crewPage.getByRole('button', { name: 'Add a device' }).click();
  await crewPage.getByLabel('Name').fill('Backup box');
  await crewPage.getByRole('button', { name: 'Token' }).click();
  const first = await crewPage.getByRole('group', { name: 'Token' }).locator('code').first().innerText();
  const works = (token) => statusAs(token, server, '/api/v1/devices');
  assert.equal(await works(first), 200);
  await crewPage.getByRole('button', { name: 'Done' }).click();
  await crewPage.getByRole('link', { name: /Backup box/ }).click();

  await crewPage.getByRole('button', { name: 'New token' }).click();
  await crewPage.getByRole('button', { name: 'Make it' }).click();
  const second = await crewPage.getByRole('group', { name: 'New token' }).locator('code').innerText();
  assert.deepEqual([await works(first), await works(second)], [401, 200]);

  await crewPage.getByLabel('Name').fill('Box in the van');
  await crewPage.getByRole('button', { name: 'Rename' }).click();
  await crewPage.getByRole('heading', { name: 'Box in the van' }).waitFor();

  await crewPage.getByRole('button', { name: 'Revoke' }).click();
  await crewPage.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await works(second), 200, 'nothing ends before it is confirmed');
  await crewPage.getByRole('button', { name: 'Revoke' }).click();
  await crewPage.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await crewPage.getByText('This device was revoked.').waitFor();
  assert.equal(await works(second), 401);
});

test('a device that the fleet key brings waits for a name and is adopted under one', async () => {
  await ownerPage.goto(`${server.origin}/devices`);
  await ownerPage.getByRole('button', { name: 'Make a fleet key' }).click();
  const base = await ownerPage.getByRole('group', { name: 'Address for the device' }).locator('code').innerText();
  const ping = () =>
    fetch(`${base}/api/device/ping`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ device_uid: 'AC-17' }),
    });
  await ping();
  await ownerPage.reload();
  await ownerPage.getByRole('button', { name: 'Adopt AC-17' }).click();
  await ownerPage.getByLabel('Name for AC-17').fill('Aircraft 17');
  await ownerPage.getByRole('button', { name: 'Adopt', exact: true }).click();
  await ownerPage.getByRole('link', { name: /Aircraft 17/ }).waitFor();
  assert.equal((await ping()).status, 200);
  await ownerPage.getByRole('button', { name: 'End', exact: true }).click();
  await ownerPage.getByRole('button', { name: 'End it' }).click();
  await ownerPage.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal((await ping()).status, 401);
});

test('a token for scripts works until it is ended', async () => {
  await crewPage.goto(`${server.origin}/settings`);
  await crewPage.getByLabel('What it is for').fill('Backup');
  await crewPage.getByRole('button', { name: 'Make a token' }).click();
  const token = await crewPage.getByRole('group', { name: 'Token Backup' }).locator('code').innerText();
  assert.match(token, /^fpp_/);
  assert.equal(await statusAs(token, server, '/api/v1/team'), 200);
  await crewPage.reload();
  assert.equal(await crewPage.getByText(token).count(), 0, 'it is shown once');
  await crewPage.getByText(/last used/).waitFor();
  await crewPage.getByRole('button', { name: 'End Backup' }).click();
  await crewPage.getByRole('button', { name: 'End it' }).click();
  await crewPage.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await statusAs(token, server, '/api/v1/team'), 401);
});

test('a password is changed only by who knows it, and ends the other sign-ins', async () => {
  const { context: elsewhere, page } = await visitor(SIZES.phone);
  await signIn(elsewhere, server, CREW);
  const change = async (current, fresh) => {
    await crewPage.getByLabel('Current').fill(current);
    await crewPage.getByLabel('New, at least').fill(fresh);
    await crewPage.getByRole('button', { name: 'Change' }).click();
  };
  await change('not the password', `another ${PASSWORD}`);
  await crewPage.getByText('That is not the current password').waitFor();
  await change(PASSWORD, `another ${PASSWORD}`);
  await crewPage.getByText('The new password counts.').waitFor();
  await page.goto(`${server.origin}/team`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await elsewhere.close();
});

test('a link shows its session to somebody without an account, and nothing once it is ended', async () => {
  await crewPage.goto(`${server.origin}/session/${session}`);
  await crewPage.getByRole('button', { name: 'Share' }).click();
  await crewPage.getByRole('button', { name: 'Make a link' }).click();
  const link = await crewPage.getByRole('group', { name: 'Link' }).locator('code').innerText();

  const { context, page: guest } = await visitor(SIZES.phone);
  await guest.goto(link);
  const best = Number(await guest.getByTestId('best').innerText());
  assert.ok(Math.abs(best - 40) < 0.02, `best lap ${best} s`);
  await guest.locator('.uplot canvas').first().waitFor();
  for (const name of ['Share', 'Analyse again', 'Add recordings']) {
    assert.equal(await guest.getByRole('button', { name }).count(), 0, name);
  }
  assert.equal(await guest.getByRole('link').count(), 0, 'a guest is led to no page of the team');

  await crewPage.getByRole('button', { name: 'End', exact: true }).click();
  await crewPage.getByText('Links that work').waitFor({ state: 'detached' });
  await guest.reload();
  await guest.getByRole('heading', { name: 'This link shows nothing any more' }).waitFor();
  await context.close();
});

test('who is in two teams joins with one tap and opens one or the other', async () => {
  server.command(['user', 'add', 'rival@example.org', '--role', 'owner'], `${PASSWORD}\n`);
  const { link } = await ask(owner, server, 'POST', '/api/v1/team/invitations', {
    email: 'rival@example.org',
    role: 'member',
  });
  const { context, page } = await visitor(SIZES.phone);
  await signIn(context, server, 'rival@example.org');
  await page.goto(link);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('link', { name: /ellipse/ }).waitFor();
  await page.goto(`${server.origin}/team`);
  await page.getByRole('heading', { name: 'Karting Lignano' }).waitFor();
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'Bring in the first recording.' }).waitFor();
  await context.close();
});

test('the pages of people and devices on every screen', async (t) => {
  await ask(owner, server, 'POST', '/api/v1/team/invitations', { email: 'mechanic@example.org', role: 'member' });
  const invited = await ask(owner, server, 'POST', '/api/v1/team/invitations', {
    email: 'a.rather.long.address.of.somebody@karting-lignano.example.org',
    role: 'viewer',
  });
  const shared = await ask(owner, server, 'POST', `/api/v1/sessions/${session}/shares`, {});
  const hash = new URL(invited.link).hash;
  const tap = (name) => (page) => page.getByRole('button', { name, exact: true }).click();
  const { cookies } = await owner.storageState();
  await onEveryScreen(t, {
    browser,
    origin: server.origin,
    cookies,
    pages: {
      team: { path: '/team', whole: true },
      'team-log': { path: '/team/log' },
      'team-remove': { path: '/team', ready: (page) => page.getByRole('button', { name: 'Remove' }).first().click() },
      devices: '/devices',
      'device-add': { path: '/devices', ready: tap('Add a device') },
      'device-claim': {
        path: '/devices',
        async ready(page) {
          await tap('Add a device')(page);
          await page.getByLabel('Name').fill('Kart 8');
          await tap('Claim code')(page);
          await page.locator('p.code').waitFor();
        },
      },
      device: { path: `/devices/${logger.id}`, whole: true },
      'device-revoke': { path: `/devices/${logger.id}`, ready: tap('Revoke') },
      'no-such-device': '/devices/none',
      settings: { path: '/settings', whole: true },
      share: {
        path: `/session/${session}`,
        async ready(page) {
          await tap('Share')(page);
          await page.getByText('Links that work').waitFor();
        },
      },
    },
    expected: (name, complaint) => name === 'no-such-device' && complaint.includes('status of 404'),
  });
  await onEveryScreen(t, {
    browser,
    origin: server.origin,
    pages: {
      invitation: `/invitation${hash}`,
      'invitation-over': '/invitation#nonsense',
      'invitation-without-token': '/invitation',
      shared: `/shared#${shared.token}`,
      'shared-over': '/shared#nonsense',
    },
    expected: (name, complaint) => name === 'invitation-over' && /status of 403/.test(complaint),
  });
});

test('somebody who is removed is led to the sign-in, and told nothing more', async () => {
  await ownerPage.goto(`${server.origin}/team`);
  const row = ownerPage.locator('li').filter({ hasText: CREW });
  await row.getByRole('button', { name: 'Remove' }).click();
  await ownerPage.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await ownerPage.getByText(`${CREW} is no longer in the team.`).waitFor();
  await crewPage.goto(`${server.origin}/devices`);
  await crewPage.getByRole('heading', { name: 'Sign in' }).waitFor();
  await ownerPage.goto(`${server.origin}/team/log`);
  await ownerPage.getByText(`removed ${CREW}`).waitFor();
});

test('nothing in all this broke the content security policy, threw, or asked another host', () => {
  // The invitation that was used, and the password that was another, are refused with 403.
  assert.deepEqual(
    complaints.filter((complaint) => !complaint.includes('status of 403')),
    [],
  );
});
