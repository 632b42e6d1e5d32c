// What is known of a device, in words: when it was heard, what it said of itself, how long it was on. It asks for no kind
// of device: what a device says is shown, and what it does not say is left out.

import type { Device, DeviceCrash, UptimeSession } from '@fieldpost/api-client';
import { bytes, duration, shortDay, UNKNOWN } from './format';

/** How long ago: `now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`, then the day. */
export function ago(iso: string | null, now: Date): string {
  if (iso === null) return 'never';
  const seconds = Math.max(0, (now.getTime() - Date.parse(iso)) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return days <= 14 ? `${days} ${days === 1 ? 'day' : 'days'} ago` : shortDay(iso, now);
}

/** Hours of use with one decimal: `0.4 h`, `12.4 h`, `1 243.6 h`. */
export function hours(seconds: number): string {
  const [whole = '0', tenth = '0'] = (seconds / 3600).toFixed(1).split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0')}.${tenth}\u00a0h`;
}

/** Life that is left of a code: `14:32`; `null` when it is over. */
export function remaining(expiresIso: string, nowMs: number): string | null {
  const seconds = Math.ceil((Date.parse(expiresIso) - nowMs) / 1000);
  if (seconds <= 0) return null;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** As the server orders them: those in use, those that came by a fleet key and have no name yet, those that were ended. */
export function byState(devices: Device[]): { working: Device[]; unassigned: Device[]; ended: Device[] } {
  return {
    working: devices.filter((one) => !one.revoked && !one.unassigned),
    unassigned: devices.filter((one) => !one.revoked && one.unassigned),
    ended: devices.filter((one) => one.revoked),
  };
}

export interface Fact {
  name: string;
  value: string;
}

const PERCENT = ['battery_pct', 'battery_percent', 'battery_level', 'soc'];
const VOLTS = ['vbatt_sense', 'vbatt', 'battery_v', 'battery_voltage'];
const FREE = ['storage_sd_free', 'sd_free', 'storage_free', 'storage_free_bytes', 'free_bytes'];
const TOTAL = ['storage_sd_total', 'sd_total', 'storage_total', 'storage_total_bytes', 'total_bytes'];

/** What a device says of its battery and its storage, whatever it calls them, and everything else as it says it. */
export function facts(state: unknown): { known: Fact[]; rest: Fact[] } {
  const said = new Map(typeof state === 'object' && state !== null ? Object.entries(state) : []);
  const take = (names: string[]): number | null => {
    const name = names.find((one) => typeof said.get(one) === 'number');
    if (name === undefined) return null;
    const value = said.get(name) as number;
    said.delete(name);
    return value;
  };
  const known: Fact[] = [];
  const [percent, volts] = [take(PERCENT), take(VOLTS)];
  const battery = [
    percent === null ? null : `${Math.round(percent)} %`,
    volts === null ? null : `${volts.toFixed(2)} V`,
  ];
  if (battery.some(Boolean)) known.push({ name: 'Battery', value: battery.filter(Boolean).join(' · ') });
  const [free, total] = [take(FREE), take(TOTAL)];
  if (free !== null) {
    known.push({ name: 'Storage free', value: bytes(free) + (total === null ? '' : ` of ${bytes(total)}`) });
  }
  const rest = [...said].map(([name, value]) => ({ name, value: plainly(value) }));
  return { known, rest };
}

function plainly(value: unknown): string {
  if (value === null) return UNKNOWN;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const SUSPECT: Record<string, string> = {
  negative: 'it ran less than nothing',
  over_thirty_days: 'longer than 30 days in one go',
  longer_than_possible: 'longer than the time since it was switched on',
  clock_unset: 'its clock was never set',
};

/** Why a run is not counted: `claimed 812 h 00 min, not counted: longer than …`; empty where all is believed. */
export function suspectWords(session: Pick<UptimeSession, 'suspect'>): string {
  if (session.suspect === null) return '';
  const { run_seconds, reason } = session.suspect;
  return `claimed ${duration(run_seconds)}, not counted: ${SUSPECT[reason] ?? reason}`;
}

/** What is known of a boot that ended unexpectedly: `after 2 h 05 min · boot 41 · firmware 1.4.0`. */
export function crashWords({ uptime_s, boot, firmware }: DeviceCrash): string {
  return [
    uptime_s === null ? null : `after ${duration(uptime_s)}`,
    boot === null ? null : `boot ${boot}`,
    firmware === null ? null : `firmware ${firmware}`,
  ]
    .filter(Boolean)
    .join(' · ');
}
