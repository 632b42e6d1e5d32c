// The queue and its questions, against a server that is replaced by something else on the way.

import { ApiError, type SessionDetail, type Uploaded } from '@fieldpost/api-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const server = vi.hoisted(() => ({ upload: vi.fn(), session: vi.fn(), goto: vi.fn() }));

vi.mock('$app/navigation', () => ({ goto: server.goto }));
vi.mock('$app/state', () => ({ page: { url: new URL('http://fieldpost.test/') } }));
vi.mock('@fieldpost/api-client', async (original) => ({
  ...(await original<object>()),
  upload: server.upload,
  api: { session: server.session },
}));

const portal = () => new ApiError(200, 'not_fieldpost', 'A Wi-Fi sign-in page answered.');
const stored = (id: string) => ({ session_id: id, duplicate: false }) as Uploaded;
const session = (id: string, status: SessionDetail['status']) => ({ id, status }) as SessionDetail;
const file = (name: string) => new File(['abc'], name);

let uploads: (typeof import('./uploads.svelte'))['uploads'];

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  for (const mock of Object.values(server)) mock.mockReset();
  ({ uploads } = await import('./uploads.svelte'));
});

afterEach(() => {
  vi.useRealTimers();
});

const states = () => uploads.batch.items.map((item) => item.state);
const later = () => vi.advanceTimersByTimeAsync(1000);

test('whatever stops one file, the next is sent', async () => {
  server.upload.mockRejectedValueOnce(portal()).mockRejectedValueOnce(new RangeError('ours'));
  server.upload.mockResolvedValueOnce(stored('s3'));
  server.session.mockResolvedValue(session('s3', 'ready'));
  vi.spyOn(console, 'error').mockImplementation(() => {});
  uploads.add([file('a'), file('b'), file('c')]);
  await later();
  expect(states()).toEqual(['stopped', 'stopped', 'stored']);
});

test('a sign-in page between two questions does not end the asking', async () => {
  server.upload.mockResolvedValueOnce(stored('s1'));
  server.session.mockRejectedValueOnce(portal()).mockResolvedValueOnce(session('s1', 'ready'));
  uploads.add([file('a')]);
  await later();
  await later();
  expect(uploads.batch.items[0]).toMatchObject({ session: { status: 'ready' } });
});

test('a session the server does not know is asked about once, the others further', async () => {
  server.upload.mockResolvedValueOnce(stored('gone')).mockResolvedValueOnce(stored('s2'));
  server.session.mockImplementation((id: string) =>
    id === 'gone' ? Promise.reject(new ApiError(404, 'not_found', 'no such session')) : session(id, 'analysing'),
  );
  uploads.add([file('a'), file('b')]);
  for (let i = 0; i < 4; i += 1) await later();
  const asked = server.session.mock.calls.map(([id]) => id as string);
  expect(asked.filter((id) => id === 'gone')).toHaveLength(1);
  expect(asked.filter((id) => id === 's2').length).toBeGreaterThan(2);
  expect(uploads.batch.items[0]).toMatchObject({ lost: 'No such session.' });
});

test('signed out: leads to the sign-in page, asks no more, and goes on afterwards', async () => {
  server.upload.mockResolvedValueOnce(stored('s1'));
  server.session.mockRejectedValueOnce(new ApiError(401, 'signed_out', 'sign in'));
  uploads.add([file('a')]);
  for (let i = 0; i < 3; i += 1) await later();
  expect(server.goto).toHaveBeenCalledExactlyOnceWith('/signin?next=%2F');
  expect(server.session).toHaveBeenCalledTimes(1);

  server.session.mockResolvedValueOnce(session('s1', 'ready'));
  uploads.resume();
  await later();
  expect(uploads.batch.items[0]).toMatchObject({ session: { status: 'ready' } });
});

test('files that wait when a sign-in is asked for are sent after it', async () => {
  server.upload.mockRejectedValueOnce(new ApiError(401, 'signed_out', 'sign in')).mockResolvedValueOnce(stored('s2'));
  server.session.mockResolvedValue(session('s2', 'ready'));
  uploads.add([file('a'), file('b')]);
  await later();
  expect(states()).toEqual(['stopped', 'queued']);
  uploads.resume();
  await later();
  expect(states()).toEqual(['stopped', 'stored']);
});
