import type { Quality } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { findings, gateWords } from './quality';
import { innerPath } from './paths';

const CLEAN: Quality = {
  rejected: 0,
  duplicates: 0,
  rejected_by: {},
  gap_s: 0.5,
  gaps: 0,
  longest_gap_s: 0,
  gap_list: [],
  stalls: 0,
  jumps: 0,
  max_speed_kmh: 112,
  rates_hz: { gps: 25 },
  declared_lost: 0,
  frozen: [],
  gps_coverage: 1,
};

test('a clean recording has nothing but good to say', () => {
  expect(findings(CLEAN).every((finding) => finding.tone === 'good')).toBe(true);
});

test('bad is said as bad: coverage is never rounded up to whole', () => {
  const [coverage] = findings({ ...CLEAN, gps_coverage: 0.8999 });
  expect(coverage).toEqual({ tone: 'bad', text: 'Good GPS for 89.9 % of the time.' });
  expect(findings({ ...CLEAN, gps_coverage: 0.99999 })[0]?.text).toContain('99.9 %');
});

test('rejected records are counted by cause in words', () => {
  const texts = findings({ ...CLEAN, rejected: 12, rejected_by: { checksum: 11, jump: 1, malformed: 0 } }).map(
    (f) => f.text,
  );
  expect(texts).toContain('12 records not used: 11 × a wrong checksum, 1 × an impossible jump.');
});

test('a frozen sensor is named with its reason', () => {
  const texts = findings({ ...CLEAN, frozen: [{ stream: 'imu', channel: 'acc_z', why: 'it never moved' }] }).map(
    (f) => f.text,
  );
  expect(texts).toContain('Sensor imu.acc_z cannot be trusted: it never moved.');
});

test('without a start line the page says that nothing could be timed', () => {
  expect(gateWords({ gate: null })).toMatch(/nothing could be timed/);
});

test('sign-in leads only to paths of this site', () => {
  expect(innerPath('/session/1?x=2')).toBe('/session/1?x=2');
  for (const bad of [null, '', 'https://other.example', '//other.example', '/\\other.example', 'session']) {
    expect(innerPath(bad)).toBe('/');
  }
});
