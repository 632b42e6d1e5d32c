// The shapes the server answers with, by hand until the generated document is in the repository.

export type SessionStatus = 'waiting' | 'analysing' | 'ready' | 'failed';

export interface FileError {
  code: string;
  message: string;
  line: number | null;
}

export interface SessionSummary {
  id: string;
  recording_id: string;
  file_name: string;
  device: { id: string; name: string } | null;
  stored_at: string;
  started_at: string | null;
  status: SessionStatus;
  error: FileError | null;
  track_name: string | null;
  format: string | null;
  vehicle: string | null;
  best_ms: number | null;
  laps_timed: number | null;
  duration_s: number | null;
  distance_m: number | null;
  size_bytes: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  next: string | null;
}

export type SessionDetail = SessionSummary & { report: Report | null };

export interface Message {
  code: string;
  text: string;
  line: number | null;
}

export type LapKind = 'out' | 'timed' | 'in' | 'pit' | 'invalid';

export interface Lap {
  number: number;
  kind: LapKind;
  start_s: number;
  time_ms: number;
  sectors_ms: (number | null)[];
  delta_best_ms: number | null;
  distance_m: number;
  max_speed_kmh: number | null;
  min_speed_kmh: number | null;
  note: string | null;
}

export interface DeclaredLap {
  number: number;
  time_ms: number;
}

export interface Gate {
  a: [number, number];
  b: [number, number];
  source: 'argument' | 'file' | 'markers' | 'track' | 'learned';
  bearing_deg: number;
}

export interface Gap {
  start_s: number;
  end_s: number;
}

export interface Quality {
  rejected: number;
  rejected_by: Record<string, number>;
  gaps: number;
  longest_gap_s: number;
  gap_list: Gap[];
  stalls: number;
  max_speed_kmh: number | null;
  rates_hz: Record<string, number>;
  declared_lost: number;
  frozen: { stream: string; channel: string; why: string }[];
  gps_coverage: number;
}

export interface ChannelInfo {
  stream: string;
  name: string;
  unit: string;
  source: string;
  provenance: 'recorded' | 'resampled' | 'derived';
  samples: number;
  rate_hz: number | null;
}

export interface Report {
  analysis_version: number;
  format: string;
  samples: number;
  duration_s: number;
  distance_m: number;
  started_at: string | null;
  vehicle: string | null;
  driver: string | null;
  device: string | null;
  quality: Quality;
  track: { id: string | null; name: string | null; length_m: number | null } | null;
  gate: Gate | null;
  finish: Gate | null;
  splits: Gate[];
  laps: Lap[];
  declared_laps: DeclaredLap[];
  best_ms: number | null;
  rolling_best_ms: number | null;
  theoretical_best_ms: number | null;
  achievable_best_ms: number | null;
  consistency_ms: number | null;
  channels: ChannelInfo[];
  messages: Message[];
}

/** One channel over a range of time; `values` has `null` where nothing is known. */
export interface Series {
  name: string;
  unit: string;
  t_s: number[];
  values: (number | null)[];
}

export interface Uploaded {
  success: boolean;
  filename: string;
  recording_id: string;
  session_id: string;
  sha256: string;
  size_bytes: number;
  duplicate: boolean;
}

export interface Me {
  email: string;
  role: string;
}
