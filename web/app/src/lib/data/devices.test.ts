import type { Device } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { ago, byState, crashWords, facts, hours, remaining, suspectWords } from './devices';

const NOW = new Date('2026-06-14T12:00:00Z');
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();

test('how long ago is told in the largest whole unit, and by the day after two weeks', () => {
  const told = [null, 0, 59, 60, 3599, 3600, 86_399, 86_400, 14 * 86_400].map((s) =>
    ago(s === null ? null : before(s), NOW),
  );
  expect(told).toEqual([
    'never',
    'now',
    '59 s ago',
    '1 min ago',
    '59 min ago',
    '1 h ago',
    '23 h ago',
    '1 day ago',
    '14 days ago',
  ]);
  expect(ago(before(15 * 86_400), NOW)).toMatch(/30/);
  expect(ago(before(-30), NOW)).toBe('now');
});

test('hours have one decimal and their thousands apart', () => {
  expect([0, 1440, 44_640, 4_476_960].map((s) => hours(s).replaceAll('\u00a0', ' '))).toEqual([
    '0.0 h',
    '0.4 h',
    '12.4 h',
    '1 243.6 h',
  ]);
});

test('the life of a code counts down to nothing', () => {
  const end = '2026-06-14T12:15:00Z';
  expect(remaining(end, NOW.getTime())).toBe('15:00');
  expect(remaining(end, NOW.getTime() + 894_500)).toBe('0:06');
  expect(remaining(end, NOW.getTime() + 900_000)).toBe(null);
});

test('battery and storage are found under the names that devices use, the rest is shown as said', () => {
  const { known, rest } = facts({ vbatt_sense: 3.71, storage_sd_free: 12_345_678_901, fw: '1.2', odd: null, n: [1] });
  expect(known).toEqual([
    { name: 'Battery', value: '3.71 V' },
    { name: 'Storage free', value: '12.35 GB' },
  ]);
  expect(rest).toEqual([
    { name: 'fw', value: '1.2' },
    { name: 'odd', value: '–' },
    { name: 'n', value: '[1]' },
  ]);
  expect(facts({ battery_pct: 78.4, vbatt: 4.01, sd_free: 5e8, sd_total: 32e9 }).known).toEqual([
    { name: 'Battery', value: '78 % · 4.01 V' },
    { name: 'Storage free', value: '500.0 MB of 32.00 GB' },
  ]);
});

test('a device that said nothing, or something else than numbers, has no facts made up', () => {
  expect(facts(null)).toEqual({ known: [], rest: [] });
  expect(facts({ vbatt_sense: 'full' })).toEqual({ known: [], rest: [{ name: 'vbatt_sense', value: 'full' }] });
});

test('a run that is not counted says what was claimed and why it is not believed', () => {
  expect(suspectWords({ suspect: { run_seconds: 2_923_200, reason: 'longer_than_possible' } })).toBe(
    'claimed 812 h 00 min, not counted: longer than the time since it was switched on',
  );
  expect(suspectWords({ suspect: { run_seconds: 5, reason: 'news' } })).toBe('claimed 5 s, not counted: news');
  expect(suspectWords({ suspect: null })).toBe('');
});

test('devices without a name yet and those that were ended stand apart', () => {
  const device = (id: string, revoked: boolean, unassigned = false) => ({ id, revoked, unassigned }) as Device;
  const lists = byState([device('a', true, true), device('b', false), device('c', false, true)]);
  expect(Object.values(lists).map((list) => list.map((one) => one.id))).toEqual([['b'], ['c'], ['a']]);
});

test('a boot that ended unexpectedly says what it knows and leaves out the rest', () => {
  const crash = { reason: 'panic', heard_at: '', boot: null, firmware: null, uptime_s: null, detail: null };
  expect(crashWords(crash)).toBe('');
  expect(crashWords({ ...crash, uptime_s: 7500, boot: '41', firmware: '1.4.0' })).toBe(
    'after 2 h 05 min · boot 41 · firmware 1.4.0',
  );
});
