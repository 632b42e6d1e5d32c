import { describe, expect, test } from 'vitest';
import { bytes, dayAndTime, delta, distance, duration, lapTime, signed, UNKNOWN } from './format';

describe('lap times', () => {
  test('have three decimals, and minutes only from a minute on', () => {
    expect(lapTime(55_604)).toBe('55.604');
    expect(lapTime(78_470)).toBe('1:18.470');
    expect(lapTime(60_000)).toBe('1:00.000');
    expect(lapTime(3_723_004)).toBe('1:02:03.004');
  });

  test('round to the millisecond without ever showing sixty seconds', () => {
    expect(lapTime(59_999.6)).toBe('1:00.000');
    expect(lapTime(55_603.5)).toBe('55.604');
  });

  test('that are unknown are not zero', () => {
    expect(lapTime(null)).toBe(UNKNOWN);
    expect(lapTime(NaN)).toBe(UNKNOWN);
    expect(lapTime(0)).toBe('0.000');
  });
});

describe('deltas', () => {
  test('are always signed, with a real minus, and three decimals', () => {
    expect(delta(-214)).toBe('\u22120.214');
    expect(delta(1052)).toBe('+1.052');
  });

  test('that round to nothing have no sign', () => {
    expect(delta(-0.4)).toBe('0.000');
    expect(signed(-0.001, 2)).toBe('0.00');
  });
});

test('bytes are decimal units with honest precision', () => {
  expect(bytes(812)).toBe('812 B');
  expect(bytes(18_240_000)).toBe('18.2 MB');
  expect(bytes(1_250_000_000)).toBe('1.25 GB');
});

test('lengths and durations take the unit a person would', () => {
  expect(distance(640.4)).toBe('640 m');
  expect(distance(57_312)).toBe('57.3 km');
  expect(duration(3905)).toBe('1 h 05 min');
  expect(duration(89)).toBe('89 s');
  expect(duration(3600 * 2 - 10)).toBe('2 h 00 min');
});

test('a date says which zone it is told in', () => {
  const text = dayAndTime('2026-06-14T08:12:00Z', { locale: 'en-GB', timeZone: 'Europe/Rome' });
  expect(text).toContain('14 Jun 2026');
  expect(text).toMatch(/10:12.*(CEST|GMT\+2)/);
});
