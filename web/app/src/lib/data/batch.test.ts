import type { SessionSummary } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { EMPTY, next, progress, step, toPoll, type Batch, type Event } from './batch';

const add = (...sizes: number[]): Event => ({
  type: 'added',
  files: sizes.map((sizeBytes, i) => ({ key: i + 1, name: `${i + 1}.csv`, sizeBytes })),
});
const run = (events: Event[], from: Batch = EMPTY) => events.reduce(step, from);
const stored = (key: number, duplicate = false): Event => ({
  type: 'stored',
  key,
  answer: { session_id: `s${key}`, duplicate },
});

test('files go one after the other in the order they came', () => {
  let batch = run([add(100, 200)]);
  expect(next(batch)?.key).toBe(1);
  batch = run([{ type: 'started', key: 1 }], batch);
  expect(next(batch)).toBe(null);
  batch = run([stored(1)], batch);
  expect(next(batch)?.key).toBe(2);
});

test('progress is bytes over the whole batch', () => {
  const batch = run([
    add(100, 300),
    { type: 'started', key: 1 },
    stored(1),
    { type: 'started', key: 2 },
    { type: 'sent', key: 2, bytes: 60 },
  ]);
  expect(progress(batch)).toEqual({ sentBytes: 160, totalBytes: 400, files: 2, done: 1, running: true });
});

test('a broken connection and a second try never take bytes back', () => {
  const seen: number[] = [];
  let batch = EMPTY;
  for (const event of [
    add(100),
    { type: 'started', key: 1 },
    { type: 'sent', key: 1, bytes: 80 },
    { type: 'stopped', key: 1, why: 'gone' },
    { type: 'retried', key: 1 },
    { type: 'started', key: 1 },
    { type: 'sent', key: 1, bytes: 10 },
    { type: 'sent', key: 1, bytes: 90 },
    stored(1),
  ] satisfies Event[]) {
    batch = step(batch, event);
    seen.push(progress(batch).sentBytes);
  }
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBe(100);
});

test('headers on the wire do not count as bytes of the file', () => {
  const batch = run([add(100), { type: 'started', key: 1 }, { type: 'sent', key: 1, bytes: 140 }]);
  expect(progress(batch).sentBytes).toBe(100);
});

test('files dropped while a batch runs wait for the next one and leave its total alone', () => {
  let batch = run([add(100), { type: 'started', key: 1 }]);
  batch = run([{ type: 'added', files: [{ key: 2, name: 'late.csv', sizeBytes: 900 }] }], batch);
  expect(progress(batch).totalBytes).toBe(100);
  batch = run([stored(1)], batch);
  expect(next(batch)?.key).toBe(2);
  expect(progress(batch)).toMatchObject({ sentBytes: 0, totalBytes: 900, running: true });
});

test('a stopped file does not hold up the others and can be tried again', () => {
  let batch = run([add(100, 200), { type: 'started', key: 1 }, { type: 'stopped', key: 1, why: 'gone' }]);
  expect(next(batch)?.key).toBe(2);
  batch = run([{ type: 'started', key: 2 }, stored(2), { type: 'retried', key: 1 }], batch);
  expect(next(batch)?.key).toBe(1);
});

test('a session is asked about until its analysis has ended, well or badly', () => {
  let batch = run([add(1, 1), stored(1), stored(2, true)]);
  expect(toPoll(batch)).toEqual(['s1', 's2']);
  batch = run([polled('s1', 'ready'), polled('s2', 'analysing')], batch);
  expect(toPoll(batch)).toEqual(['s2']);
  expect(toPoll(run([polled('s2', 'failed')], batch))).toEqual([]);
});

function polled(id: string, status: SessionSummary['status']): Event {
  return { type: 'polled', session: { id, status } as SessionSummary };
}
