// The data-quality report in plain sentences. Bad is said as bad; what is unknown is not mentioned as good.

import type { Quality, Report } from '@fieldpost/api-client';
import { count } from './format';

export interface Finding {
  tone: 'good' | 'warning' | 'bad';
  text: string;
}

const CAUSE: Record<string, string> = {
  checksum: 'a wrong checksum',
  malformed: 'an unreadable row',
  no_fix: 'no GPS fix',
  jump: 'an impossible jump',
  time_backwards: 'time running backwards',
  duplicate_time: 'a repeated time',
};

export function findings(quality: Quality): Finding[] {
  return [
    coverage(quality),
    gaps(quality),
    rejected(quality),
    stalls(quality),
    lost(quality),
    ...frozen(quality),
  ].filter((finding): finding is Finding => finding !== null);
}

function coverage({ gps_coverage }: Quality): Finding {
  const percent = Math.floor(gps_coverage * 1000) / 10;
  const text = `Good GPS for ${percent} % of the time.`;
  if (gps_coverage >= 0.99) return { tone: 'good', text };
  return { tone: gps_coverage >= 0.9 ? 'warning' : 'bad', text };
}

function gaps({ gaps, longest_gap_s }: Quality): Finding {
  if (gaps === 0) return { tone: 'good', text: 'No gaps in the GPS track.' };
  return {
    tone: longest_gap_s > 5 ? 'bad' : 'warning',
    text: `${count(gaps, 'gap')} in the GPS track, the longest ${longest_gap_s.toFixed(1)} s. Lines are broken there.`,
  };
}

function rejected({ rejected, rejected_by }: Quality): Finding {
  if (rejected === 0) return { tone: 'good', text: 'Every record was usable.' };
  const causes = Object.entries(rejected_by)
    .filter(([, n]) => n > 0)
    .map(([cause, n]) => `${n} × ${CAUSE[cause] ?? cause.replaceAll('_', ' ')}`);
  return { tone: 'warning', text: `${count(rejected, 'record')} not used: ${causes.join(', ')}.` };
}

function stalls({ stalls }: Quality): Finding | null {
  return stalls === 0
    ? null
    : { tone: 'warning', text: `${count(stalls, 'short stall')} while recording, as a slow card makes them.` };
}

function lost({ declared_lost }: Quality): Finding | null {
  return declared_lost === 0
    ? null
    : { tone: 'bad', text: `The logger itself reports ${count(declared_lost, 'sample')} lost.` };
}

function frozen({ frozen }: Quality): Finding[] {
  return frozen.map(({ stream, channel, why }) => ({
    tone: 'bad' as const,
    text: `Sensor ${stream}.${channel} cannot be trusted: ${why}${/[.!?]$/.test(why) ? '' : '.'}`,
  }));
}

const GATE_SOURCE = {
  argument: 'The start line is the one given by hand.',
  file: 'The start line is the one in the file.',
  markers: 'The start line comes from lap marks in the file.',
  track: 'The start line is the one of the known track.',
  learned: 'The start line was found from the driven line: the file has none.',
};

/** Where the start line comes from, because every lap time hangs on it. */
export function gateWords({ gate }: Pick<Report, 'gate'>): string {
  return gate === null ? 'No start line was found, so nothing could be timed.' : GATE_SOURCE[gate.source];
}
