// The colours of app.css against the ground they stand on: text needs 4.5:1, lines and marks 3:1.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('../../app.css', import.meta.url), 'utf8');
const [dark = '', light = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map((match) => match[1]);

const TEXT = ['text', 'accent-text', 'good', 'warning', 'bad', 'link', 'best', 'improved', 'slower', 'reference'];
const MARKS = ['accent', 'speed-mid', 'speed-fast'];

test.each([
  ['dark', dark],
  ['light', light],
])('colours of the %s scheme can be read', (_, block) => {
  for (const name of TEXT) expect(contrast(token(block, name), token(block, 'base')), name).toBeGreaterThanOrEqual(4.5);
  for (const name of MARKS) expect(contrast(token(block, name), token(block, 'base')), name).toBeGreaterThanOrEqual(3);
  expect(contrast(token(block, 'on-accent'), token(block, 'accent'))).toBeGreaterThanOrEqual(4.5);
});

function token(block: string, name: string): string {
  const found = block.match(new RegExp(`--${name}: (#[0-9a-f]{6});`))?.[1];
  if (!found) throw new Error(`no colour --${name}`);
  return found;
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
