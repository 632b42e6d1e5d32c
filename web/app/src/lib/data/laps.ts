// The sport's code for times: which lap and which sector is what, and what a row of the table says.

import type { DeclaredLap, Lap, LapKind, SessionSummary } from '@fieldpost/api-client';

/**
 * `best`: best of the session (purple). `improved`: the best up to then when it was driven (green). `slower`: yellow.
 * `none`: nothing to compare with (out, in, pit and broken laps; a single timed lap is `best`).
 */
export type Code = 'best' | 'improved' | 'slower' | 'none';

/** Word for each code, for those who cannot tell the colours apart. */
export const CODE_WORD: Record<Code, string> = {
  best: 'best of the session',
  improved: 'an improvement when it was driven',
  slower: 'slower than the best before it',
  none: '',
};

export const KIND_WORD: Record<LapKind, string> = {
  out: 'out lap',
  timed: '',
  in: 'in lap',
  pit: 'pit',
  invalid: 'not counted',
};

/** What a person calls a lap. Numbers repeat (every way back to a stage's start is 0): `index` tells laps apart. */
export const lapName = ({ kind, number }: Pick<Lap, 'kind' | 'number'>): string =>
  kind === 'out' ? 'Out lap' : `Lap ${number}`;

/** Codes a series of times in driven order; `null` times get `none`. */
export function codeTimes(times: (number | null)[]): Code[] {
  const known = times.filter((time): time is number => time !== null);
  const best = known.length ? Math.min(...known) : Infinity;
  const bestAt = times.indexOf(best);
  let soFar = Infinity;
  return times.map((time, index) => {
    if (time === null) return 'none';
    const improved = time < soFar;
    soFar = Math.min(soFar, time);
    if (index === bestAt) return 'best';
    return improved ? 'improved' : 'slower';
  });
}

export interface LapRow {
  lap: Lap;
  code: Code;
  /** To the best lap of the session; `null` for the best itself and for laps that are not timed. */
  deltaMs: number | null;
  declaredMs: number | null;
  sectors: { ms: number | null; code: Code }[];
}

/** The lap table in driven order with its sector table; only timed laps take part in the code. */
export function lapRows(laps: Lap[], declared: DeclaredLap[] = []): LapRow[] {
  // A file that numbers its laps anew after a stop does not say which of ours it means.
  const told = new Set(declared.map(({ number }) => number)).size === declared.length ? declared : [];
  const codes = codeTimes(laps.map((lap) => (lap.kind === 'timed' ? lap.time_ms : null)));
  const sectorCount = Math.max(0, ...laps.map((lap) => lap.sectors_ms.length));
  const sectorCodes = Array.from({ length: sectorCount }, (_, sector) =>
    codeTimes(laps.map((lap) => (lap.kind === 'timed' ? (lap.sectors_ms[sector] ?? null) : null))),
  );
  return laps.map((lap, row) => ({
    lap,
    code: codes[row] ?? 'none',
    deltaMs: codes[row] === 'best' ? null : lap.delta_best_ms,
    declaredMs: lap.kind === 'out' ? null : (told.find((other) => other.number === lap.number)?.time_ms ?? null),
    sectors: sectorCodes.map((column, sector) => ({
      ms: lap.sectors_ms[sector] ?? null,
      code: column[row] ?? 'none',
    })),
  }));
}

export function bestLap(laps: Lap[]): Lap | null {
  const timed = laps.filter((lap) => lap.kind === 'timed');
  return timed.reduce<Lap | null>((best, lap) => (best === null || lap.time_ms < best.time_ms ? lap : best), null);
}

/** Best time in each sector over the timed laps, and the lap it was driven in. */
export function bestSectors(rows: LapRow[]): { ms: number; lap: number }[] {
  const sectorCount = rows[0]?.sectors.length ?? 0;
  return Array.from({ length: sectorCount }, (_, sector) => {
    const row = rows.find((candidate) => candidate.sectors[sector]?.code === 'best');
    return { ms: row?.sectors[sector]?.ms ?? NaN, lap: row?.lap.number ?? 0 };
  });
}

/** Index of the lap before or after the one looked at, in driven order, timed or not. */
export function stepLap(laps: Lap[], current: number | null, by: 1 | -1): number | null {
  const at = laps.findIndex((lap) => lap.index === current);
  const next = at < 0 ? (by > 0 ? 0 : laps.length - 1) : Math.min(laps.length - 1, Math.max(0, at + by));
  return laps[next]?.index ?? null;
}

export interface LastBest {
  session: SessionSummary & { best_ms: number };
  /** To the best of the earlier sessions on the same track, among those given. */
  earlier: { deltaMs: number; at: string } | null;
}

export const sessionDate = (session: SessionSummary): string => session.started_at ?? session.stored_at;

/** The latest first, by when they were driven: the server lists them as they were stored. */
export function byDate(sessions: SessionSummary[]): SessionSummary[] {
  return [...sessions].sort((a, b) => Date.parse(sessionDate(b)) - Date.parse(sessionDate(a)));
}

/** The best lap of the latest session that has one, and how it stands against earlier sessions on that track. */
export function lastBest(sessions: SessionSummary[]): LastBest | null {
  const withBest = byDate(sessions).filter((session): session is LastBest['session'] => session.best_ms !== null);
  const session = withBest[0];
  if (!session) return null;
  const same = withBest
    .slice(1)
    .filter(
      (other) =>
        session.track_name !== null && other.track_name === session.track_name && other.vehicle === session.vehicle,
    );
  const record = same.reduce<LastBest['session'] | null>(
    (best, other) => (best === null || other.best_ms < best.best_ms ? other : best),
    null,
  );
  return {
    session,
    earlier: record ? { deltaMs: session.best_ms - record.best_ms, at: sessionDate(record) } : null,
  };
}
