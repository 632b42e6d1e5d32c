// Debian's Chromium, and a page that remembers everything it complains about.

import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const SIZES = { phone: { width: 412, height: 839 }, desk: { width: 1440, height: 900 } };

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/** Opens a page; `complaints` collects console errors, refused resources, exceptions and requests to other hosts. */
export async function open(context, origin) {
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // A 401 answers "who am I" before signing in; browsers log it as an error of their own.
    const expected = message.text().includes('401 (Unauthorized)');
    if (['error', 'warning'].includes(message.type()) && !expected) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asked another host: ${request.url()}`);
  });
  return { page, complaints };
}

/** People who each have a browser of their own; all their pages complain into one list. */
export function visitors(browser, origin) {
  const complaints = [];
  async function visitor(viewport) {
    const context = await browser.newContext({ viewport, colorScheme: 'dark', reducedMotion: 'reduce' });
    const { page, complaints: own } = await open(context, origin);
    own.push = (...items) => complaints.push(...items);
    return { context, page };
  }
  return { visitor, complaints };
}

/** Waits until the keyboard is on this. */
export const hasFocus = (locator) => locator.and(locator.page().locator(':focus')).waitFor();
