// From the server's channels to lines on a chart: one lap as aligned columns, two laps on one axis, gaps kept as gaps.

import type { Series } from '@fieldpost/api-client';

export type Values = (number | null)[];

/** One lap (or the whole recording) as columns that share their times. */
export interface Trace {
  /** Seconds since the start of the lap. */
  time: number[];
  /** Metres along the reference lap's line, rising; empty when the lap cannot be laid on it. */
  position: number[];
  speedKmh: Values;
  latG: Values;
  lonG: Values;
  deltaS: Values;
  lat: Values;
  lon: Values;
}

export const TRACE_CHANNELS = [
  'gps.speed_mps',
  'gps.lat_deg',
  'gps.lon_deg',
  'gps.lat_g',
  'gps.lon_g',
  'gps.track_pos_m',
  'gps.delta_best_s',
];

/** Where the recording has holes, as its data-quality report says. */
export interface Holes {
  /** The report's list, since the start of the recording; it ends after the first hundred. */
  list: { start_s: number; end_s: number }[];
  /** A step longer than this is a hole, listed or not. */
  limitS: number;
}

/** A listed hole ends on the fixes round it, told in microseconds: less of it in a step is the step beside. */
const TOUCH_S = 0.01;

function isHole(from: number, to: number, { list, limitS }: Holes): boolean {
  return (
    to - from > limitS || list.some(({ start_s, end_s }) => Math.min(to, end_s) - Math.max(from, start_s) > TOUCH_S)
  );
}

/**
 * The longest step that is no hole among points between two moments. Where the server has thinned them to at most
 * `maxPoints`, two buckets of a highest and a lowest point each may lie between neighbours.
 */
export function stepLimitS(gapS: number, spanS: number, maxPoints: number): number {
  return Math.max(gapS, (4 * spanS) / maxPoints);
}

/** Linear interpolation that answers `null` outside the data, beside a `null` and inside a gap. `x` must rise. */
export function interpolate(x: number[], y: Values, at: number[], maxStep = Infinity): Values {
  let i = 0;
  return at.map((target) => {
    while (i < x.length - 2 && (x[i + 1] as number) < target) i += 1;
    const x0 = x[i];
    const x1 = x[i + 1];
    if (x0 === undefined || target < x0) return null;
    if (target === x0) return y[i] ?? null;
    if (x1 === undefined || target > x1) return null;
    if (target === x1) return y[i + 1] ?? null;
    const y0 = y[i] ?? null;
    const y1 = y[i + 1] ?? null;
    if (y0 === null || y1 === null || x1 - x0 > maxStep) return null;
    return y0 + ((y1 - y0) * (target - x0)) / (x1 - x0);
  });
}

/** Index of the value nearest to `target` in rising numbers. */
export function nearest(x: number[], target: number): number {
  let low = 0;
  let high = x.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < target) low = middle + 1;
    else high = middle;
  }
  const before = x[low - 1];
  return before !== undefined && target - before < (x[low] as number) - target ? low - 1 : low;
}

/**
 * Aligns the channels of one lap on the times of the speed channel: downsampling may have chosen other moments for
 * other channels. A row without values is put into every hole, so that no line is drawn across it.
 */
export function toTrace(series: Series[], startS: number, holes: Holes): Trace {
  const find = (name: string) => series.find((one) => one.name === name || `gps.${one.name}` === name);
  const base = find('gps.speed_mps') ?? find('gps.lat_deg');
  const recorded = base?.t_s ?? [];
  const times: number[] = [];
  const empty = new Set<number>();
  for (const [i, t] of recorded.entries()) {
    const before = recorded[i - 1];
    if (before !== undefined && isHole(before, t, holes)) {
      empty.add(times.length);
      times.push((before + t) / 2);
    }
    times.push(t);
  }
  const column = (name: string): Values => {
    const one = find(name);
    const values = one ? interpolate(one.t_s, one.values, times, holes.limitS) : times.map(() => null);
    return values.map((value, row) => (empty.has(row) ? null : value));
  };
  return {
    time: times.map((t) => t - startS),
    position: rising(column('gps.track_pos_m')),
    speedKmh: column('gps.speed_mps').map((v) => (v === null ? null : v * 3.6)),
    latG: column('gps.lat_g'),
    lonG: column('gps.lon_g'),
    deltaS: column('gps.delta_best_s'),
    lat: column('gps.lat_deg'),
    lon: column('gps.lon_deg'),
  };
}

/**
 * Position along the line as an axis: a chart's axis may not run back, and GPS noise makes it do so by a few
 * centimetres. Unknown ends and holes take the last known place; a first fix that still lies before the line counts
 * as at the line. No known place at all: no axis.
 */
function rising(position: Values): number[] {
  const known = position.filter((p): p is number => p !== null);
  const half = known.reduce((most, p) => Math.max(most, p), 0) / 2;
  if (known.length === 0) return [];
  let last = 0;
  let started = false;
  return position.map((p) => {
    if (p === null) return last;
    if (!started && p > half) return last;
    started = true;
    last = Math.max(last, p);
    return last;
  });
}

export type AxisKind = 'distance' | 'time';

export function axisOf(trace: Trace, kind: AxisKind): number[] {
  return kind === 'distance' && trace.position.length ? trace.position : trace.time;
}

/** Two laps on one axis: the points of both, each line interpolated only between its own points. */
export function onOneAxis(
  selected: { x: number[]; y: Values },
  reference: { x: number[]; y: Values } | null,
): [number[], Values, Values] {
  if (!reference) return [selected.x, selected.y, selected.x.map(() => null)];
  const x = [...new Set([...selected.x, ...reference.x])].sort((a, b) => a - b);
  return [x, interpolate(selected.x, selected.y, x), interpolate(reference.x, reference.y, x)];
}

/** Where the car braked: stretches of the axis with at least `minG` of deceleration that last at least `minS`. */
export function brakingSpans(x: number[], time: number[], lonG: Values, minG = 0.25, minS = 0.3): [number, number][] {
  const spans: [number, number][] = [];
  let from: number | null = null;
  for (let i = 0; i <= lonG.length; i += 1) {
    const g = lonG[i] ?? null;
    const braking = g !== null && g <= -minG;
    if (braking && from === null) from = i;
    if (!braking && from !== null) {
      const to = i - 1;
      if ((time[to] as number) - (time[from] as number) >= minS) spans.push([x[from] as number, x[to] as number]);
      from = null;
    }
  }
  return spans;
}
