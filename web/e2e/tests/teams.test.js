// What becomes of teams and devices: other names, other hands, people who go, and the log of all that. Every visitor is
// a browser of their own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasFocus, launch, SIZES, visitors } from '../lib/browser.js';
import { onEveryScreen } from '../lib/screens.js';
import { start } from '../lib/server.js';
import { addLogger, addSession, ask, invite, join, own, OWNER, PASSWORD, signIn } from '../lib/team.js';

const CREW = 'crew@example.org';
const SECOND = 'second.owner@example.org';
const RIVAL = 'rival@example.org';

let server, browser, visitor, complaints, owner, page, rival, logger, session;

before(async () => {
  server = await start('serve', 'setup');
  browser = await launch();
  ({ visitor, complaints } = visitors(browser, server.origin));
  ({ context: owner, page } = await visitor(SIZES.desk));
  await own(owner, server);
  await ask(owner, server, 'PATCH', '/api/v1/team', { name: 'Karting' });
  logger = await addLogger(owner, server, 'RS-Core 7F3A');
  session = await addSession(owner, server, 'heat.nmea', logger.token);

  // The same person owns a second team, which somebody else began.
  server.command(['user', 'add', RIVAL, '--role', 'owner'], `${PASSWORD}\n`);
  ({ context: rival } = await visitor(SIZES.desk));
  await signIn(rival, server, RIVAL);
  await ask(rival, server, 'PATCH', '/api/v1/team', { name: 'Rent a kart' });
  const home = await ask(owner, server, 'GET', '/api/v1/team');
  await join(owner, server, await invite(rival, server, OWNER, 'owner'));
  await ask(owner, server, 'POST', '/api/v1/me/team', { team_id: home.id });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a team is renamed in place, and everybody reads the new name', async () => {
  await page.goto(`${server.origin}/team`);
  await page.waitForLoadState('networkidle');
  const focused = await page.evaluate('document.activeElement.localName');
  assert.equal(focused, 'body', 'a page that was opened takes the focus nowhere');
  const rename = page.getByRole('button', { name: 'Rename' });
  const field = page.getByLabel('Name of the team');
  await rename.click();
  await hasFocus(field);
  await page.keyboard.type('Something else');
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Karting', exact: true }).waitFor();
  await hasFocus(rename);

  await rename.press('Enter');
  await field.fill('   ');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('A name needs 1 to 100 characters').waitFor();
  await field.fill('Karting Lignano');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Karting Lignano' }).waitFor();
  await hasFocus(rename);
  await page.getByRole('banner').getByText('Karting Lignano').waitFor();
  assert.match(await page.title(), /^Karting Lignano/);
  const guest = await visitor(SIZES.phone);
  await guest.page.goto(await invite(owner, server, CREW, 'member'));
  await guest.page.getByRole('heading', { name: 'Join Karting Lignano' }).waitFor();
  await guest.context.close();
});

test('a device is renamed, and the page says so where it was asked', async () => {
  await page.goto(`${server.origin}/devices/${logger.id}`);
  await page.getByLabel('Name').fill('  Kart 7 ');
  const rename = page.getByRole('button', { name: 'Rename' });
  await rename.click();
  await page.getByRole('status').getByText('It is called Kart 7 now.').waitFor();
  await page.getByRole('heading', { name: 'Kart 7' }).waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'Kart 7');
  await hasFocus(rename);
  await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('link', { name: /Kart 7/ }).waitFor();
  await page.goto(`${server.origin}/`);
  await page.getByRole('link', { name: /heat\.nmea.*Kart 7/ }).waitFor();
});

test('a device goes to another team of its owner, and what it recorded stays', async () => {
  await page.goto(`${server.origin}/devices/${logger.id}`);
  const give = page.getByRole('button', { name: 'Give', exact: true });
  await page.getByLabel('Give it to').selectOption('Rent a kart');
  await give.click();
  const sheet = page.getByRole('dialog', { name: 'Give Kart 7 to Rent a kart?' });
  await sheet.getByText('What it recorded so far stays in this team.').waitFor();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await hasFocus(give);
  await give.click();
  await sheet.getByRole('button', { name: 'Give it' }).click();

  await page.getByText('Kart 7 belongs to Rent a kart now.').waitFor();
  await page.getByRole('heading', { name: 'No device yet.' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'No device yet.' }).waitFor();
  assert.equal(await page.getByText('belongs to').count(), 0, 'it is told once');
  await page.goto(`${server.origin}/session/${session}`);
  await page.locator('tr[data-best]').waitFor();
  await page.goto(`${server.origin}/team/log`);
  await page.getByText('gave Kart 7 to another team').waitFor();
});

test('the other team has the device, with its name and its key, from its first recording there on', async () => {
  await page.goto(`${server.origin}/team`);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'Bring in the first recording.' }).waitFor();
  await page.getByRole('banner').getByText('Rent a kart').waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('link', { name: /Kart 7/ }).click();
  await page.getByRole('heading', { name: 'Kart 7' }).waitFor();
  await addSession(owner, server, 'qualifying.nmea', logger.token);
  await page.goto(`${server.origin}/`);
  await page.getByRole('link', { name: /qualifying\.nmea.*Kart 7/ }).waitFor();
  assert.equal(await page.getByText('heat.nmea').count(), 0, 'what it recorded before is not theirs');
  await page.goto(`${server.origin}/team/log`);
  await page.getByRole('link', { name: 'brought Kart 7 from another team' }).waitFor();
  await page.goto(`${server.origin}/team`);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('link', { name: /heat\.nmea/ }).waitFor();
});

test('an invitation that was withdrawn is over, also for who has it open already', async () => {
  await page.goto(`${server.origin}/team`);
  await page.getByLabel('E-mail').fill('mechanic@example.org');
  await page.getByRole('button', { name: 'Make a link' }).click();
  const shown = page.getByRole('group', { name: 'Link for mechanic@example.org' });
  const link = await shown.locator('code').innerText();
  const { context, page: guest } = await visitor(SIZES.phone);
  await guest.goto(link);
  await guest.getByLabel('Choose a password').fill(PASSWORD);

  const row = page.getByRole('listitem').filter({ hasText: 'mechanic@example.org' });
  await row.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('status').getByText('The link for mechanic@example.org no longer works.').waitFor();
  assert.equal((await row.count()) + (await shown.count()), 0, 'neither the row nor the link is left');
  await hasFocus(page.getByRole('heading', { name: 'Invite somebody' }));

  await guest.getByRole('button', { name: 'Join' }).click();
  await guest.getByRole('heading', { name: 'This invitation is over' }).waitFor();
  await guest.goto('about:blank');
  await guest.goto(link);
  await guest.getByText('Ask whoever sent it for a new one.').waitFor();
  await context.close();
});

test('who leaves one of two teams is in the other one, and told so', async () => {
  const { context, page: theirs } = await visitor(SIZES.phone);
  server.command(['user', 'add', 'guest.driver@example.org', '--role', 'owner'], `${PASSWORD}\n`);
  await signIn(context, server, 'guest.driver@example.org');
  await ask(context, server, 'PATCH', '/api/v1/team', { name: 'Family' });
  await join(context, server, await invite(owner, server, 'guest.driver@example.org', 'member'));
  await leave(theirs, 'Karting Lignano');
  await theirs.getByText('You left Karting Lignano.').waitFor();
  await theirs.getByRole('heading', { name: 'Family' }).waitFor();
  assert.equal(await theirs.getByText('Your teams').count(), 0);
  await theirs.goto(`${server.origin}/`);
  await theirs.getByRole('heading', { name: 'Bring in the first recording.' }).waitFor();
  assert.equal(await theirs.getByText('heat.nmea').count(), 0, 'nothing of the team they left');
  await context.close();
});

test('who leaves their only team is at the sign-in, and comes back by an invitation alone', async () => {
  const { context, page: theirs } = await visitor(SIZES.phone);
  await join(context, server, await invite(owner, server, CREW, 'viewer'));
  await leave(theirs, 'Karting Lignano');
  await theirs.getByRole('heading', { name: 'Sign in' }).waitFor();
  await theirs.getByText('You left Karting Lignano. With a new invitation you can come back.').waitFor();
  await theirs.getByLabel('E-mail').fill(CREW);
  await theirs.getByLabel('Password').fill(PASSWORD);
  await theirs.getByRole('button', { name: 'Sign in' }).click();
  await theirs.getByRole('alert').waitFor();
  await theirs.goto(await invite(owner, server, CREW, 'viewer'));
  await theirs.getByLabel(`Password of ${CREW}`).fill(PASSWORD);
  await theirs.getByRole('button', { name: 'Join' }).click();
  await theirs.getByRole('link', { name: /heat\.nmea/ }).waitFor();
  await page.goto(`${server.origin}/team/log`);
  const left = page.getByRole('listitem').filter({ hasText: 'left the team' });
  await left.filter({ hasText: CREW }).waitFor();
  await context.close();
});

test('the last owner cannot go or step down, and reads why, even if a second one was there a moment ago', async () => {
  const { context } = await visitor(SIZES.phone);
  await join(context, server, await invite(owner, server, SECOND, 'owner'));
  const { people } = await ask(owner, server, 'GET', '/api/v1/team');
  const second = people.find(({ email }) => email === SECOND);
  const give = (role) => ask(owner, server, 'PATCH', `/api/v1/team/people/${second.user_id}`, { role });
  const mine = page.getByRole('listitem').filter({ hasText: OWNER });
  const why = 'A team needs an owner; make somebody else one first.';

  await page.goto(`${server.origin}/team`);
  await mine.getByRole('button', { name: 'Leave' }).click();
  await give('member');
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Leave' }).click();
  await sheet.getByRole('alert').getByText(why).waitFor();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await mine.getByText('The only owner. A team keeps one').waitFor();
  assert.equal(await mine.getByRole('button', { name: 'Leave' }).count(), 0);
  assert.equal(await page.getByLabel(`Role of ${OWNER}`).isDisabled(), true);
  await hasFocus(page.getByRole('heading', { name: 'People' }));

  await give('owner');
  await page.reload();
  await page.getByLabel(`Role of ${OWNER}`).selectOption('viewer');
  await give('member');
  await sheet.getByRole('button', { name: 'Become a viewer' }).click();
  await sheet.getByRole('alert').getByText(why).waitFor();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await mine.getByText('The only owner.').waitFor();
  assert.equal(await page.getByLabel(`Role of ${OWNER}`).inputValue(), 'owner');
  await context.close();
});

test('the log goes on, fifty entries at a time, to its first', async () => {
  for (let round = 1; round <= 120; round += 1) {
    await ask(owner, server, 'PATCH', '/api/v1/team', { name: `Round ${round}` });
  }
  await ask(owner, server, 'PATCH', '/api/v1/team', { name: 'Karting Lignano' });
  await page.goto(`${server.origin}/team/log`);
  const rows = page.getByRole('region', { name: 'Log' }).getByRole('listitem');
  const earlier = page.getByRole('button', { name: 'Earlier' });
  await earlier.waitFor();
  assert.equal(await rows.count(), 50);
  await earlier.click();
  await hasFocus(rows.nth(50));
  assert.equal(await rows.count(), 100);
  await earlier.press('Enter');
  await hasFocus(rows.nth(100));
  await page.getByText('Nothing earlier.').waitFor();
  assert.equal(await earlier.count(), 0);
  const told = await rows.allInnerTexts();
  const rounds = told.map((text) => text.match(/named the team Round (\d+)/)?.[1]).filter(Boolean);
  const all = Array.from({ length: 120 }, (_, round) => String(120 - round));
  assert.deepEqual(rounds, all, 'every entry once, the latest first');
  assert.match(told.at(-1), /named the team Karting/, 'down to the first thing that was done here');
});

test('the pages of teams that change, on every screen', async (t) => {
  const kart = await addLogger(owner, server, 'Kart 9');
  const { cookies } = await owner.storageState();
  const tap = (name) => (page) => page.getByRole('button', { name, exact: true }).first().click();
  await ask(owner, server, 'PATCH', `/api/v1/team/people/${await idOf(SECOND)}`, { role: 'owner' });
  await onEveryScreen(t, {
    browser,
    origin: server.origin,
    cookies,
    pages: {
      'team-rename': { path: '/team', ready: tap('Rename') },
      'team-leave': { path: '/team', ready: tap('Leave') },
      'team-withdrawn': {
        path: '/team',
        whole: true,
        async ready(page) {
          await invite(owner, server, 'somebody@example.org', 'member');
          await page.reload();
          const row = page.getByRole('listitem').filter({ hasText: 'somebody@example.org' });
          await row.getByRole('button', { name: 'Withdraw' }).click();
          await page.getByText('no longer works').waitFor();
        },
      },
      'device-give': {
        path: `/devices/${kart.id}`,
        async ready(page) {
          await page.getByLabel('Give it to').selectOption('Rent a kart');
          await tap('Give')(page);
        },
      },
      'team-log-end': {
        path: '/team/log',
        async ready(page) {
          const rows = page.getByRole('region', { name: 'Log' }).getByRole('listitem');
          const end = page.getByText('Nothing earlier.');
          while (!(await end.isVisible())) {
            const shown = await rows.count();
            await tap('Earlier')(page);
            await rows.nth(shown).waitFor();
          }
          await end.scrollIntoViewIfNeeded();
        },
      },
    },
  });
});

test('nothing in all this broke the content security policy, threw, or asked another host', () => {
  // What was refused: a blank name, a sign-in to no team, a withdrawn invitation, the going of the last owner.
  const refused = /status of (403|409|422)/;
  assert.deepEqual(
    complaints.filter((complaint) => !refused.test(complaint)),
    [],
  );
});

async function leave(page, team) {
  await page.goto(`${server.origin}/team`);
  await page.getByRole('heading', { name: team }).waitFor();
  await page.getByRole('button', { name: 'Leave' }).click();
  const sheet = page.getByRole('dialog', { name: `Leave ${team}?` });
  await sheet.getByText('What you sent stays with the team.').waitFor();
  await sheet.getByRole('button', { name: 'Leave' }).click();
}

async function idOf(email) {
  const { people } = await ask(owner, server, 'GET', '/api/v1/team');
  return people.find((person) => person.email === email).user_id;
}
