// How figures are written: times, deltas, bytes, distances, dates. One place, so that columns align everywhere.

/** Shown wherever something is not known. */
export const UNKNOWN = '–';

const MINUS = '\u2212';

/** A lap or sector time: `55.604` under a minute, `1:18.470` above, `1:02:03.004` above an hour. */
export function lapTime(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return UNKNOWN;
  const total = Math.round(ms);
  const thousandths = String(total % 1000).padStart(3, '0');
  const seconds = Math.floor(total / 1000) % 60;
  const minutes = Math.floor(total / 60_000) % 60;
  const hours = Math.floor(total / 3_600_000);
  const two = (n: number) => String(n).padStart(2, '0');
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds)}.${thousandths}`;
  if (minutes > 0) return `${minutes}:${two(seconds)}.${thousandths}`;
  return `${seconds}.${thousandths}`;
}

/** A signed difference in seconds, always three decimals: `−0.214`, `+1.052`, `0.000` without a sign. */
export function delta(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return UNKNOWN;
  const rounded = Math.round(ms);
  const size = (Math.abs(rounded) / 1000).toFixed(3);
  if (rounded === 0) return size;
  return (rounded < 0 ? MINUS : '+') + size;
}

/** A signed figure for a readout: `+0.8`, `−1.2`. */
export function signed(value: number | null, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value).toFixed(decimals);
  if (Number(size) === 0) return size;
  return (value < 0 ? MINUS : '+') + size;
}

export function plain(value: number | null, decimals: number): string {
  return value === null || !Number.isFinite(value) ? UNKNOWN : signed(value, decimals).replace('+', '');
}

/** How long something lasted: `12 s`, `24 min`, `1 h 05 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `640 m`, `57.3 km`. */
export function distance(metres: number | null | undefined): string {
  if (metres == null || !Number.isFinite(metres)) return UNKNOWN;
  return metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`;
}

/** Bytes as a person counts them, decimal units: `812 B`, `640 kB`, `18.2 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${Math.round(count / 1000)} kB`;
  if (count < 1_000_000_000) return `${(count / 1_000_000).toFixed(1)} MB`;
  return `${(count / 1_000_000_000).toFixed(2)} GB`;
}

/** `1 lap`, `12 laps`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

export interface DateOptions {
  locale?: string;
  timeZone?: string;
}

/** Day for a list: `14 Jun`, with the year when it is not this one. */
export function shortDay(iso: string, now: Date, { locale, timeZone }: DateOptions = {}): string {
  const at = new Date(iso);
  const sameYear = at.getFullYear() === now.getFullYear();
  return at.toLocaleDateString(locale, {
    day: '2-digit',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
    ...(timeZone ? { timeZone } : {}),
  });
}

/** Time of day for a list: `10:12`, `7:21 PM`. */
export function timeOfDay(iso: string, { locale, timeZone }: DateOptions = {}): string {
  return new Date(iso).toLocaleTimeString(locale, {
    hour: 'numeric',
    minute: '2-digit',
    ...(timeZone ? { timeZone } : {}),
  });
}

/** Day and time with the zone they are told in: `Sun 14 Jun 2026, 10:12 CEST`. */
export function dayAndTime(iso: string, { locale, timeZone }: DateOptions = {}): string {
  return new Date(iso).toLocaleString(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    ...(timeZone ? { timeZone } : {}),
  });
}
