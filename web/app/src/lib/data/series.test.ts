import { expect, test } from 'vitest';
import { axisOf, brakingSpans, interpolate, nearest, onOneAxis, stepLimitS, toTrace } from './series';

const WHOLE = { list: [], limitS: 0.5 };

test('interpolation is linear between points and silent outside, beside the unknown and over a gap', () => {
  const x = [0, 1, 2, 10];
  const y = [0, 10, null, 20];
  expect(interpolate(x, y, [-1, 0, 0.5, 1, 1.5, 10, 11], 5)).toEqual([null, 0, 5, 10, null, 20, null]);
  expect(interpolate([0, 10], [0, 10], [5], 5)).toEqual([null]);
});

test('nearest finds the closer neighbour', () => {
  expect([
    nearest([0, 10, 20], 4),
    nearest([0, 10, 20], 6),
    nearest([0, 10, 20], 99),
    nearest([0, 10, 20], -5),
  ]).toEqual([0, 1, 2, 0]);
});

test('a gap in the recording is a hole in every line', () => {
  const t = [0, 0.1, 0.2, 3.0, 3.1];
  const trace = toTrace([{ name: 'gps.speed_mps', unit: 'm/s', t_s: t, values: [10, 10, 10, 20, 20] }], 0, WHOLE);
  expect(trace.speedKmh).toEqual([36, 36, 36, null, 72, 72]);
  expect(trace.time).toHaveLength(6);
});

test('a hole that the report lists is one, however short; the steps beside it are none', () => {
  const t = [0, 0.1, 0.2, 0.6, 0.7];
  const series = [{ name: 'gps.speed_mps', unit: 'm/s', t_s: t, values: [10, 10, 10, 20, 20] }];
  const listed = { list: [{ start_s: 0.200001, end_s: 0.600001 }], limitS: 0.5 };
  expect(toTrace(series, 0, listed).speedKmh).toEqual([36, 36, 36, null, 72, 72]);
  expect(toTrace(series, 0, WHOLE).speedKmh).toEqual([36, 36, 36, 72, 72]);
});

test('a null of the server is a hole', () => {
  const series = [{ name: 'gps.speed_mps', unit: 'm/s', t_s: [0, 0.1, 0.2], values: [10, null, 10] }];
  expect(toTrace(series, 0, WHOLE).speedKmh).toEqual([36, null, 36]);
});

test('a thinned recording is not full of holes', () => {
  // An hour at 10 Hz in 10 000 points: pairs of neighbours, one pair in 0.72 s.
  const t = Array.from({ length: 10_000 }, (_, i) => Math.floor(i / 2) * 0.72 + (i % 2) * 0.1);
  const series = [{ name: 'gps.speed_mps', unit: 'm/s', t_s: t, values: t.map(() => 10) }];
  const holes = { list: [], limitS: stepLimitS(0.5, 3600, 10_000) };
  expect(toTrace(series, 0, holes).speedKmh).not.toContain(null);
  expect(stepLimitS(0.5, 110, 10_000)).toBe(0.5);
});

test('channels that were thinned out at other moments are laid on the times of the speed', () => {
  const trace = toTrace(
    [
      { name: 'gps.speed_mps', unit: 'm/s', t_s: [100, 100.2, 100.4], values: [10, 20, 10] },
      { name: 'gps.lat_g', unit: 'g', t_s: [100, 100.4], values: [0, 1] },
    ],
    100,
    WHOLE,
  );
  expect(trace.time.map((t) => Math.round(t * 10) / 10)).toEqual([0, 0.2, 0.4]);
  expect(trace.latG.map((g) => Math.round((g ?? NaN) * 1e6) / 1e6)).toEqual([0, 0.5, 1]);
});

test('the distance axis never runs back and begins at the line', () => {
  const t = [0, 1, 2, 3, 4].map((i) => i / 10);
  const trace = toTrace(
    [
      { name: 'gps.speed_mps', unit: 'm/s', t_s: t, values: [10, 10, 10, 10, 10] },
      { name: 'gps.track_pos_m', unit: 'm', t_s: t, values: [899, 1, 3, 2.9, 900] },
    ],
    0,
    WHOLE,
  );
  expect(axisOf(trace, 'distance')).toEqual([0, 1, 3, 3, 900]);
});

test('a lap that cannot be laid on the line falls back to time', () => {
  const trace = toTrace([{ name: 'gps.speed_mps', unit: 'm/s', t_s: [0, 0.1], values: [1, 2] }], 0, WHOLE);
  expect(axisOf(trace, 'distance')).toEqual([0, 0.1]);
});

test('two laps share one axis and keep every point of both', () => {
  const [x, own, best] = onOneAxis({ x: [0, 10, 20], y: [0, 100, 0] }, { x: [0, 15, 20], y: [0, 30, 40] });
  expect(x).toEqual([0, 10, 15, 20]);
  expect(own).toEqual([0, 100, 50, 0]);
  expect(best).toEqual([0, 20, 30, 40]);
});

test('braking is deceleration that lasts, not a spike', () => {
  const time = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
  const x = time.map((t) => t * 100);
  expect(brakingSpans(x, time, [0, -1, 0, -0.5, -0.6, -0.5, -0.4, 0])).toEqual([[37.5, 75]]);
  expect(brakingSpans(x, time, [0, 0, 0, 0, -0.5, -0.5, -0.5, -0.5])).toHaveLength(1);
  expect(brakingSpans(x, time, [-0.5, -0.5, null, -0.5, -0.5, 0, 0, 0])).toEqual([]);
});
