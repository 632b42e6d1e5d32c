import { expect, test } from 'vitest';
import { planeFor, scaleBar, speedSegments, ticks } from './map';

test('metres are metres and north is up', () => {
  const plane = planeFor([45, 45.001], [12, 12.001]);
  const south = plane?.project(45, 12);
  const north = plane?.project(45.001, 12);
  expect((south?.y ?? 0) - (north?.y ?? 0)).toBeCloseTo(111.2, 0);
  expect(plane?.width).toBeCloseTo(111.2 * Math.cos((45 * Math.PI) / 180), 0);
});

test('a recording without positions has no plane', () => {
  expect(planeFor([null, null], [null, null])).toBe(null);
  expect(planeFor([], [])).toBe(null);
});

test('the scale bar is a round length that fits', () => {
  expect([scaleBar(140), scaleBar(99), scaleBar(23), scaleBar(1000)]).toEqual([100, 50, 20, 1000]);
});

test('the line is cut where the speed class changes, joined at the cuts and open at gaps', () => {
  const lat = [45, 45.001, 45.002, null, 45.004, 45.005];
  const lon = [12, 12, 12, null, 12, 12];
  const plane = planeFor(lat, lon);
  if (!plane) throw new Error('a plane is expected');
  const segments = speedSegments(plane, lat, lon, [10, 10, 100, null, 100, 100], 2, [10, 100]);
  expect(segments.map((s) => [s.speedClass, s.points.length])).toEqual([
    [0, 3],
    [1, 2],
  ]);
  expect(segments[0]?.points[2]).toEqual(plane.project(45.002, 12));
});

test('gates are told apart: one line is start and finish, two are two', () => {
  const plane = planeFor([45, 45.001], [12, 12.001]);
  if (!plane) throw new Error('a plane is expected');
  const gate = {
    a: [45, 12],
    b: [45, 12.0001],
    source: 'file' as const,
    bearing_deg: 0,
  };
  expect(ticks(plane, gate, null, [gate]).map((tick) => tick.label)).toEqual(['S/F', 'S1|S2']);
  expect(ticks(plane, gate, gate, []).map((tick) => tick.label)).toEqual(['start', 'finish']);
});
