import type { Lap, SessionSummary } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { bestSectors, byDate, codeTimes, lapName, lapRows, lastBest, stepLap } from './laps';

test('the best is purple once, improvements are green as they were driven, the rest is yellow', () => {
  expect(codeTimes([57.1, 56.2, 56.9, 55.6, 55.6, null, 56.0])).toEqual([
    'improved',
    'improved',
    'slower',
    'best',
    'slower',
    'none',
    'slower',
  ]);
});

test('a pit lap takes no part in the code, however short it is', () => {
  const rows = lapRows([lap(1, 57_000), lap(2, 20_000, { kind: 'pit' }), lap(3, 56_000)]);
  expect(rows.map((row) => row.code)).toEqual(['improved', 'none', 'best']);
});

test('declared laps stand beside the computed lap of the same number', () => {
  const rows = lapRows([lap(1, 57_000), lap(2, 56_000)], [{ number: 2, time_ms: 56_010 }]);
  expect(rows.map((row) => row.declaredMs)).toEqual([null, 56_010]);
});

test('a file that numbers its laps anew does not say which of ours it means', () => {
  const rows = lapRows(
    [lap(1, 57_000), lap(2, 56_000)],
    [
      { number: 1, time_ms: 57_010 },
      { number: 1, time_ms: 60_000 },
    ],
  );
  expect(rows.map((row) => row.declaredMs)).toEqual([null, null]);
});

test('an out lap is no lap of the file, whatever number both have', () => {
  const rows = lapRows([lap(0, 30_000, { kind: 'out' }), lap(1, 57_000)], [{ number: 0, time_ms: 30_010 }]);
  expect(rows.map((row) => row.declaredMs)).toEqual([null, null]);
});

test('every lap of a stage is reached by stepping, although its out laps share a number', () => {
  const stage = [0, 1, 0, 2].map((number, index) =>
    lap(number, 40_000, { index, kind: number === 0 ? 'out' : 'timed' }),
  );
  const steps = [0, 1, 2, 3].map((from) => stepLap(stage, from, 1));
  expect(steps).toEqual([1, 2, 3, 3]);
  expect(stepLap(stage, 2, -1)).toBe(1);
  expect(stage.map(lapName)).toEqual(['Out lap', 'Lap 1', 'Out lap', 'Lap 2']);
});

test('each best sector names the lap it was driven in, and an unmeasured sector is never best', () => {
  const rows = lapRows([
    lap(1, 57_000, { sectors_ms: [20_000, 18_000, 19_000] }),
    lap(2, 56_000, { sectors_ms: [19_500, null, 18_500] }),
  ]);
  expect(bestSectors(rows)).toEqual([
    { ms: 19_500, lap: 2 },
    { ms: 18_000, lap: 1 },
    { ms: 18_500, lap: 2 },
  ]);
});

test('stepping stops at the first and the last lap', () => {
  const laps = [lap(0, 30_000, { kind: 'out' }), lap(1, 57_000), lap(2, 56_000)];
  expect(stepLap(laps, 1, 1)).toBe(2);
  expect(stepLap(laps, 2, 1)).toBe(2);
  expect(stepLap(laps, 0, -1)).toBe(0);
  expect(stepLap(laps, null, 1)).toBe(0);
  expect(stepLap([], null, 1)).toBe(null);
});

test('the last best is the latest session with a lap, compared with the record of that track only', () => {
  const found = lastBest([
    session('a', '2026-06-14T08:00:00Z', 'Lignano', 55_604),
    session('b', '2026-06-15T08:00:00Z', 'Lignano', null),
    session('c', '2026-06-02T08:00:00Z', 'Rustavi', 40_000),
    session('d', '2026-06-01T08:00:00Z', 'Lignano', 55_834),
    session('e', '2026-05-01T08:00:00Z', 'Lignano', 56_900),
  ]);
  expect(found?.session.id).toBe('a');
  expect(found?.earlier).toEqual({ deltaMs: -230, at: '2026-06-01T08:00:00Z' });
});

test('sessions are listed as they were driven, not as they were stored', () => {
  const storedLast = { ...session('old', '2026-06-01T08:00:00Z', null, null), stored_at: '2026-06-20T08:00:00Z' };
  const undated = { ...session('undated', '2026-06-10T08:00:00Z', null, null), started_at: null };
  const sorted = byDate([storedLast, undated, session('new', '2026-06-14T08:00:00Z', null, null)]);
  expect(sorted.map(({ id }) => id)).toEqual(['new', 'undated', 'old']);
});

test('a kart is not compared with a car, nor one unnamed track with another', () => {
  const kart = { ...session('a', '2026-06-14T08:00:00Z', 'Lignano', 55_604), vehicle: 'kart' };
  const car = { ...session('b', '2026-06-01T08:00:00Z', 'Lignano', 60_000), vehicle: 'car' };
  expect(lastBest([kart, car])?.earlier).toBe(null);
  const unnamed = [
    session('a', '2026-06-14T08:00:00Z', null, 55_604),
    session('b', '2026-06-01T08:00:00Z', null, 60_000),
  ];
  expect(lastBest(unnamed)?.earlier).toBe(null);
});

function lap(number: number, time_ms: number, more: Partial<Lap> = {}): Lap {
  return {
    index: number,
    number,
    kind: 'timed',
    start_s: 0,
    time_ms,
    sectors_ms: [],
    delta_best_ms: null,
    distance_m: 1000,
    max_speed_kmh: null,
    min_speed_kmh: null,
    note: null,
    ...more,
  };
}

function session(id: string, started_at: string, track_name: string | null, best_ms: number | null): SessionSummary {
  return {
    id,
    recording_id: id,
    file_name: `${id}.csv`,
    device: null,
    stored_at: started_at,
    started_at,
    status: 'ready',
    error: null,
    track_name,
    format: null,
    vehicle: null,
    best_ms,
    laps_timed: null,
    duration_s: null,
    distance_m: null,
    size_bytes: 1,
    sha256: '',
    version: 1,
  };
}
