// What the workbench looks at: which lap against which, on which axis, where the cursor stands. One owner for the
// state that the map, the charts, the tables and the keys share.

import type { Lap, Report, SessionReader } from '@fieldpost/api-client';
import { sentence } from '$lib/data/errors';
import { bestLap, lapName, stepLap } from '$lib/data/laps';
import { axisOf, nearest, stepLimitS, toTrace, TRACE_CHANNELS, type AxisKind, type Trace } from '$lib/data/series';

/** A lap of six minutes at 25 Hz arrives whole; what is longer comes downsampled with its peaks kept. */
const MAX_POINTS = 10_000;

export class Bench {
  readonly laps: Lap[];
  readonly reference: Lap | null;
  /** Index of the lap looked at; `null` is the whole recording. */
  selected = $state<number | null>(null);
  wish = $state<AxisKind>('distance');
  cursor = $state<number | null>(null);
  range = $state<[number, number] | null>(null);
  /** Why the line of a lap could not be fetched, by lap. */
  private refused = $state.raw(new Map<number | null, string>());
  private traces = $state.raw(new Map<number | null, Trace>());
  private asked = new Set<number | null>();

  constructor(
    private readonly sessionId: string,
    private readonly report: Report,
    private readonly reader: Pick<SessionReader, 'series'>,
  ) {
    this.laps = report.laps;
    this.reference = bestLap(report.laps);
    this.select(this.reference?.index ?? null);
  }

  readonly lap = $derived.by(() => this.laps.find((lap) => lap.index === this.selected) ?? null);
  readonly trace = $derived.by(() => this.traces.get(this.selected) ?? null);
  /** The best lap, where another lap is looked at. */
  readonly referenceTrace = $derived.by(() => {
    if (this.selected === null || this.reference === null || this.selected === this.reference.index) return null;
    return this.traces.get(this.reference.index) ?? null;
  });
  readonly distancePossible = $derived.by(
    () => this.selected !== null && (this.trace === null || this.trace.position.length > 0),
  );
  readonly axis = $derived.by<AxisKind>(() => (this.distancePossible ? this.wish : 'time'));
  readonly x = $derived.by(() => (this.trace ? axisOf(this.trace, this.axis) : []));
  readonly extent = $derived.by<[number, number]>(() => {
    if (this.range) return this.range;
    const other = this.referenceTrace ? axisOf(this.referenceTrace, this.axis) : [];
    return [Math.min(this.x[0] ?? 0, other[0] ?? Infinity), Math.max(this.x.at(-1) ?? 1, other.at(-1) ?? 0)];
  });
  /** What is missing of what is looked at, and why. */
  readonly troubles = $derived.by(() => {
    const troubles = [];
    const own = this.refused.get(this.selected);
    if (own !== undefined) troubles.push({ of: this.lap ? lapName(this.lap) : 'The whole recording', why: own });
    if (this.reference && this.selected !== null && this.selected !== this.reference.index) {
      const best = this.refused.get(this.reference.index);
      if (best !== undefined) troubles.push({ of: `${lapName(this.reference)}, the best`, why: best });
    }
    return troubles;
  });
  /** Row of the trace under the cursor. */
  readonly at = $derived.by(() => (this.cursor === null || this.x.length === 0 ? null : nearest(this.x, this.cursor)));
  readonly referenceAt = $derived.by(() => {
    const trace = this.referenceTrace;
    return trace && this.cursor !== null ? nearest(axisOf(trace, this.axis), this.cursor) : null;
  });

  /** Looks at a lap and fetches what is not here yet: its line and the best lap's beside it. */
  select(index: number | null) {
    if ((index === null) !== (this.selected === null)) {
      this.cursor = null;
      this.range = null;
    }
    this.selected = index;
    void this.load(index);
    if (index !== null && this.reference) void this.load(this.reference.index);
  }

  step(by: 1 | -1) {
    const next = stepLap(this.laps, this.selected, by);
    if (next !== null) this.select(next);
  }

  setAxis(kind: AxisKind) {
    this.wish = kind;
    this.cursor = null;
    this.range = null;
  }

  /** Moves the cursor by a share of what is on view. */
  moveCursor(share: number) {
    const [from, to] = this.extent;
    const start = this.cursor ?? (share > 0 ? from : to);
    this.cursor = Math.min(to, Math.max(from, start + share * (to - from)));
  }

  /** Narrows the view round the cursor (`factor` < 1) or widens it; never beyond the lap. */
  zoom(factor: number) {
    const whole: [number, number] = [this.x[0] ?? 0, this.x.at(-1) ?? 1];
    const [from, to] = this.extent;
    const middle = this.cursor ?? (from + to) / 2;
    const next: [number, number] = [
      Math.max(whole[0], middle - (middle - from) * factor),
      Math.min(whole[1], middle + (to - middle) * factor),
    ];
    this.range = next[0] <= whole[0] && next[1] >= whole[1] ? null : next;
  }

  private async load(index: number | null) {
    if (this.asked.has(index)) return;
    this.asked.add(index);
    const lap = this.laps.find((one) => one.index === index);
    const from = lap?.start_s ?? 0;
    const to = lap ? lap.start_s + lap.time_ms / 1000 : this.report.duration_s;
    try {
      const series = await this.reader.series(this.sessionId, TRACE_CHANNELS, from, to, MAX_POINTS);
      const { gap_list: list, gap_s } = this.report.quality;
      const holes = { list, limitS: stepLimitS(gap_s, to - from, MAX_POINTS) };
      this.traces = new Map(this.traces).set(index, toTrace(series, from, holes));
      this.tell(index, null);
    } catch (error) {
      this.asked.delete(index);
      this.tell(index, sentence(error));
    }
  }

  private tell(index: number | null, why: string | null) {
    const refused = new Map(this.refused);
    if (why === null) refused.delete(index);
    else refused.set(index, why);
    this.refused = refused;
  }
}
