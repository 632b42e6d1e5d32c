// What the workbench fetches and says, against a server that answers when the test lets it.

import { ApiError, type Lap, type Report, type Series } from '@fieldpost/api-client';
import { beforeEach, expect, test, vi } from 'vitest';
import { Bench } from './bench.svelte';

const server = { series: vi.fn() };

const UNKNOWN = { delta_best_ms: null, max_speed_kmh: null, min_speed_kmh: null, note: null };

const NO_GAPS: Report['quality']['gap_list'] = [];

/** Two runs of a stage with the way back between them; the second run is the best. */
const STAGE = [
  lap(0, 0, 'out', 30_000),
  lap(1, 1, 'timed', 41_000),
  lap(2, 0, 'out', 50_000),
  lap(3, 2, 'timed', 40_000),
];
const REPORT = { laps: STAGE, duration_s: 161, quality: { gap_list: NO_GAPS, gap_s: 0.5 } } as Report;

const line = (_: string, __: string[], from_s: number): Promise<Series[]> =>
  Promise.resolve([{ name: 'gps.speed_mps', unit: 'm/s', t_s: [from_s, from_s + 0.1], values: [from_s, from_s] }]);
const gone = () => Promise.reject(new ApiError(0, 'unreachable', 'The server does not answer.'));
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  server.series.mockReset().mockImplementation(line);
});

test('each of two out laps of one number has its own line', async () => {
  const bench = new Bench('s', REPORT, server);
  expect(bench.selected).toBe(3);
  const starts: (number | null | undefined)[] = [];
  for (const index of [0, 2]) {
    bench.select(index);
    await settled();
    starts.push(bench.trace?.speedKmh[0]);
  }
  expect(starts).toEqual([0, 71 * 3.6]);
});

test('brackets walk through all laps of a stage', () => {
  const bench = new Bench('s', REPORT, server);
  const seen = [bench.selected];
  for (let i = 0; i < 3; i += 1) {
    bench.step(-1);
    seen.push(bench.selected);
  }
  expect(seen).toEqual([3, 2, 1, 0]);
});

test('a best lap that could not be fetched is said and fetched by the next try', async () => {
  server.series.mockImplementationOnce(gone).mockImplementationOnce(line).mockImplementationOnce(gone);
  const bench = new Bench('s', REPORT, server);
  await settled();
  expect(bench.troubles).toEqual([{ of: 'Lap 2', why: 'The server does not answer.' }]);
  bench.select(1);
  await settled();
  expect(bench.trace).not.toBe(null);
  expect(bench.referenceTrace).toBe(null);
  expect(bench.troubles).toEqual([{ of: 'Lap 2, the best', why: 'The server does not answer.' }]);
  bench.select(1);
  await settled();
  expect(bench.referenceTrace).not.toBe(null);
  expect(bench.troubles).toEqual([]);
});

test('a lap that came after all does not hide what another lacks', async () => {
  const bench = new Bench('s', REPORT, server);
  await settled();
  server.series.mockImplementationOnce(gone);
  bench.select(0);
  await settled();
  bench.select(1);
  await settled();
  expect(bench.troubles).toEqual([]);
  bench.selected = 0;
  expect(bench.troubles.map(({ of }) => of)).toEqual(['Out lap']);
});

test('nothing is fetched twice', async () => {
  const bench = new Bench('s', REPORT, server);
  for (const index of [1, 3, 1, null, 3, null]) bench.select(index);
  await settled();
  expect(server.series).toHaveBeenCalledTimes(3);
});

function lap(index: number, number: number, kind: Lap['kind'], time_ms: number): Lap {
  const start_s = [0, 30, 71, 121][index] ?? 0;
  return { index, number, kind, start_s, time_ms, sectors_ms: [], distance_m: 0, ...UNKNOWN };
}
