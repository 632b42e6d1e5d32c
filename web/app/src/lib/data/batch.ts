// A batch of uploads as a state machine. The page feeds it events and draws what it says; it knows no network.
//
//   queued ─► sending ─► stored ─► (session polled) ─► found
//                └─► stopped ─(retry)─► queued  │       └ the analysis' own words, good or bad
//                                               └─► lost: the server will not tell (no such session, not ours)
//
// Invariant: the bytes shown as sent never fall, whatever fails or is tried again. Files that come while a batch
// runs wait for the next one, so that its total does not grow under the bar.

import type { SessionSummary, Uploaded } from '@fieldpost/api-client';

export type Item = { key: number; name: string; sizeBytes: number; batch: number; reachedBytes: number } & (
  | { state: 'queued' }
  | { state: 'sending' }
  | { state: 'stopped'; why: string }
  /** Pictures are stored and have no session. */
  | {
      state: 'stored';
      sessionId: string | null;
      duplicate: boolean;
      session: SessionSummary | null;
      lost: string | null;
    }
);

export interface Batch {
  items: Item[];
  current: number;
}

export const EMPTY: Batch = { items: [], current: 0 };

export type Event =
  | { type: 'added'; files: { key: number; name: string; sizeBytes: number }[] }
  | { type: 'started'; key: number }
  | { type: 'sent'; key: number; bytes: number }
  | { type: 'stored'; key: number; answer: Pick<Uploaded, 'session_id' | 'duplicate'> }
  | { type: 'stopped'; key: number; why: string }
  | { type: 'retried'; key: number }
  | { type: 'polled'; session: SessionSummary }
  | { type: 'lost'; sessionId: string; why: string };

export function step(batch: Batch, event: Event): Batch {
  switch (event.type) {
    case 'added':
      return add(batch, event.files);
    case 'started':
      return change(batch, event.key, (item) => ({ ...common(item), state: 'sending' }));
    case 'sent':
      return change(batch, event.key, (item) => ({
        ...item,
        reachedBytes: Math.max(item.reachedBytes, Math.min(event.bytes, item.sizeBytes)),
      }));
    case 'stored':
      return change(batch, event.key, (item) => ({
        ...common(item),
        reachedBytes: item.sizeBytes,
        state: 'stored',
        sessionId: event.answer.session_id,
        duplicate: event.answer.duplicate,
        session: null,
        lost: null,
      }));
    case 'stopped':
      return change(batch, event.key, (item) => ({ ...common(item), state: 'stopped', why: event.why }));
    case 'retried':
      return change(batch, event.key, (item) => ({ ...common(item), state: 'queued' }));
    case 'polled':
      return {
        ...batch,
        items: batch.items.map((item) =>
          item.state === 'stored' && item.sessionId === event.session.id ? { ...item, session: event.session } : item,
        ),
      };
    case 'lost':
      return {
        ...batch,
        items: batch.items.map((item) =>
          item.state === 'stored' && item.sessionId === event.sessionId ? { ...item, lost: event.why } : item,
        ),
      };
  }
}

function common({ key, name, sizeBytes, batch, reachedBytes }: Item) {
  return { key, name, sizeBytes, batch, reachedBytes };
}

function change(batch: Batch, key: number, to: (item: Item) => Item): Batch {
  return { ...batch, items: batch.items.map((item) => (item.key === key ? to(item) : item)) };
}

const unfinished = (item: Item) => item.state === 'queued' || item.state === 'sending';

function add(batch: Batch, files: { key: number; name: string; sizeBytes: number }[]): Batch {
  const last = Math.max(batch.current, ...batch.items.map((item) => item.batch));
  const target = batch.items.some(unfinished) ? Math.max(batch.current + 1, last) : last + 1;
  const items = files.map((file) => ({ ...file, batch: target, reachedBytes: 0, state: 'queued' as const }));
  return { items: [...batch.items, ...items], current: batch.items.some(unfinished) ? batch.current : target };
}

/** The next file to send, or `null` while one is being sent or none is left. */
export function next(batch: Batch): Item | null {
  if (batch.items.some((item) => item.state === 'sending')) return null;
  return batch.items.filter((item) => item.state === 'queued').sort((a, b) => a.batch - b.batch)[0] ?? null;
}

export interface Progress {
  sentBytes: number;
  totalBytes: number;
  files: number;
  done: number;
  running: boolean;
}

/** Progress of the batch that is being sent, in bytes over all its files. */
export function progress(batch: Batch): Progress {
  const active = batch.items.filter(unfinished).reduce((low, item) => Math.min(low, item.batch), Infinity);
  const current = Number.isFinite(active) ? active : batch.current;
  const items = batch.items.filter((item) => item.batch === current);
  return {
    sentBytes: items.reduce((sum, item) => sum + item.reachedBytes, 0),
    totalBytes: items.reduce((sum, item) => sum + item.sizeBytes, 0),
    files: items.length,
    done: items.filter((item) => item.state === 'stored').length,
    running: items.some(unfinished),
  };
}

/** Sessions whose analysis has not ended yet, to be asked about again. */
export function toPoll(batch: Batch): string[] {
  return batch.items.flatMap((item) => {
    if (item.state !== 'stored' || item.sessionId === null || item.lost !== null) return [];
    const status = item.session?.status;
    return status === 'ready' || status === 'failed' ? [] : [item.sessionId];
  });
}
