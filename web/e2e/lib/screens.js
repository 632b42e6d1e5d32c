// Pages at both sizes in both schemes: no accessibility violation, nothing refused by the policy, nothing wider than the
// screen, and a picture of each in shots/ for a person to look at.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { open, SIZES } from './browser.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = fileURLToPath(new URL('../shots/', import.meta.url));

/**
 * `pages`: address by name, or `{ path, ready, whole }`, where `ready` brings the page to what is looked at and `whole`
 * takes the picture to the end of the page. `expected` says which complaints a page is about.
 */
export async function onEveryScreen(t, { browser, origin, cookies = null, pages, expected = () => false }) {
  mkdirSync(SHOTS, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['dark', 'light']) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      if (cookies) await context.addCookies(cookies);
      for (const [name, one] of Object.entries(pages)) {
        const { path, ready = async () => {}, whole = false } = typeof one === 'string' ? { path: one } : one;
        await t.test(`${name} on ${size}, ${colorScheme}`, async () => {
          const { page, complaints } = await open(context, origin);
          await page.goto(origin + path);
          await page.waitForLoadState('networkidle');
          await ready(page);
          await page.screenshot({ path: `${SHOTS}${name}-${size}-${colorScheme}.png`, fullPage: whole });
          await assertSound(page);
          assert.deepEqual(
            complaints.filter((complaint) => !expected(name, complaint)),
            [],
          );
          await page.close();
        });
      }
      await context.close();
    }
  }
}

async function assertSound(page) {
  // Injected through the debugger: the page's own policy refuses foreign scripts, as it should.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate('axe.run()');
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`),
    [],
  );
  const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
  assert.equal(wide, false, 'the page scrolls sideways');
}
