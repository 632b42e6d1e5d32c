// The driven line on a plane: projection, scale bar, speed classes. North is up; metres are metres.

import type { Gate } from '@fieldpost/api-client';
import type { Values } from './series';

export interface Point {
  x: number;
  y: number;
}

export interface Plane {
  /** Degrees to metres east and south of the middle (y grows downwards, as on a screen). */
  project: (lat: number, lon: number) => Point;
  /** Extent of the line in metres. */
  width: number;
  height: number;
  min: Point;
}

const METRES_PER_DEGREE = 111_195;

/** A local flat projection round the middle of the line: at most a few millimetres in a kilometre off. */
export function planeFor(lat: Values, lon: Values): Plane | null {
  const lats = lat.filter((v): v is number => v !== null);
  const lons = lon.filter((v): v is number => v !== null);
  if (lats.length < 2 || lons.length < 2) return null;
  const [south, north] = extent(lats);
  const [west, east] = extent(lons);
  const lat0 = (south + north) / 2;
  const lon0 = (west + east) / 2;
  const shrink = Math.cos((lat0 * Math.PI) / 180);
  const project = (la: number, lo: number) => ({
    x: (lo - lon0) * METRES_PER_DEGREE * shrink,
    y: (lat0 - la) * METRES_PER_DEGREE,
  });
  const min = project(north, west);
  const max = project(south, east);
  return { project, min, width: max.x - min.x, height: max.y - min.y };
}

/** Smallest and largest without spreading long arrays into arguments. */
export function extent(values: number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The longest round length (1, 2 or 5 × 10ⁿ metres) that is at most `most` metres. */
export function scaleBar(most: number): number {
  const decade = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * decade).find((length) => length <= most) ?? decade;
}

export interface Segment {
  /** 0 (slowest) … classes − 1 (fastest). */
  speedClass: number;
  points: Point[];
}

/** Cuts the line where the speed changes its class; neighbours share a point, gaps in the data stay open. */
export function speedSegments(
  plane: Plane,
  lat: Values,
  lon: Values,
  speed: Values,
  classes: number,
  range: [number, number],
): Segment[] {
  const [low, high] = range;
  const segments: Segment[] = [];
  let open: Segment | null = null;
  let last: Point | null = null;
  for (let i = 0; i < lat.length; i += 1) {
    const la = lat[i] ?? null;
    const lo = lon[i] ?? null;
    if (la === null || lo === null) {
      open = null;
      last = null;
      continue;
    }
    const point = plane.project(la, lo);
    const share = high > low ? ((speed[i] ?? low) - low) / (high - low) : 0;
    const speedClass = Math.min(classes - 1, Math.max(0, Math.floor(share * classes)));
    if (open && open.speedClass === speedClass) {
      open.points.push(point);
    } else {
      open?.points.push(point);
      open = { speedClass, points: last && !open ? [last, point] : [point] };
      segments.push(open);
    }
    last = point;
  }
  return segments.filter((segment) => segment.points.length > 1);
}

export function pathOf(points: Point[]): string {
  return points.map((p, i) => `${i ? 'L' : 'M'}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join('');
}

export interface Tick {
  label: string;
  a: Point;
  b: Point;
}

/** Gates as ticks across the line with what they are: start/finish, splits by number. */
export function ticks(plane: Plane, gate: Gate | null, finish: Gate | null, splits: Gate[]): Tick[] {
  const end = ([lat = NaN, lon = NaN]: number[]) => plane.project(lat, lon);
  const tick = (label: string, { a, b }: Gate): Tick => ({ label, a: end(a), b: end(b) });
  return [
    ...(gate ? [tick(finish ? 'start' : 'S/F', gate)] : []),
    ...splits.map((split, i) => tick(`S${i + 1}|S${i + 2}`, split)),
    ...(finish ? [tick('finish', finish)] : []),
  ];
}
