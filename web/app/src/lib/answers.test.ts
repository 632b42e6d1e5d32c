// What the client makes of answers that are not the server's: a Wi-Fi's sign-in page, a proxy's, none at all.

import type { ApiError } from '@fieldpost/api-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const PORTAL = '<!doctype html><title>Paddock Wi-Fi</title>';
const SESSION = { id: 's1', status: 'ready' };

let client: typeof import('@fieldpost/api-client');
const fetched = vi.fn<(request: Request) => Promise<Response>>();

beforeEach(async () => {
  const OnSite = class extends Request {
    constructor(path: string, init?: RequestInit) {
      super(new URL(path, 'http://fieldpost.test'), init);
    }
  };
  vi.stubGlobal('Request', OnSite);
  vi.stubGlobal('fetch', fetched);
  vi.stubGlobal('XMLHttpRequest', FakeXhr);
  vi.resetModules();
  client = await import('@fieldpost/api-client');
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const answers = (status: number, body: string) => fetched.mockResolvedValueOnce(new Response(body, { status }));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => Promise.reject(new Error('an error is expected')),
    (error: ApiError) => {
      expect(error).toBeInstanceOf(client.ApiError);
      return `${error.status} ${error.code}`;
    },
  );

test('an answer in the expected shape is handed on', async () => {
  answers(200, JSON.stringify(SESSION));
  expect(await client.api.session('s1')).toEqual(SESSION);
});

test('a page instead of an answer is named as such, whatever its status', async () => {
  for (const status of [200, 401, 404, 502]) {
    answers(status, PORTAL);
    expect(await failure(client.api.session('s1'))).toBe(`${status} not_fieldpost`);
  }
});

test('JSON of somebody else is no answer of the server', async () => {
  for (const body of ['{"login":"here"}', '[]', 'null', '"ok"', '']) {
    answers(200, body);
    expect(await failure(client.api.session('s1'))).toBe('200 not_fieldpost');
  }
  answers(403, '{"error":"sign in first"}');
  expect(await failure(client.api.session('s1'))).toBe('403 not_fieldpost');
});

test('an answer that needs no body is not mistaken, a page in its place is', async () => {
  fetched.mockResolvedValueOnce(new Response(null, { status: 204 }));
  await client.api.signOut();
  answers(200, PORTAL);
  expect(await failure(client.api.signOut())).toBe('200 not_fieldpost');
});

test('no answer at all is told apart from a wrong one', async () => {
  fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  expect(await failure(client.api.session('s1'))).toBe('0 unreachable');
});

test('an upload that a sign-in page swallowed has failed', async () => {
  const sent = client.upload(new File(['abc'], 'a.csv'), () => {});
  FakeXhr.last.finish(200, PORTAL);
  expect(await failure(sent)).toBe('200 not_fieldpost');
});

test('an upload whose connection stands still is given up, one that crawls is not', async () => {
  vi.useFakeTimers();
  const seen: number[] = [];
  const sent = client.upload(new File(['abc'], 'a.csv'), (bytes) => seen.push(bytes));
  const outcome = failure(sent);
  for (const loaded of [1, 2]) {
    vi.advanceTimersByTime(59_000);
    FakeXhr.last.upload.onprogress?.({ loaded });
  }
  expect(seen).toEqual([1, 2]);
  expect(FakeXhr.last.aborted).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(FakeXhr.last.aborted).toBe(true);
  expect(await outcome).toBe('0 stalled');
});

test('an upload that the browser cuts off has failed', async () => {
  const sent = client.upload(new File(['abc'], 'a.csv'), () => {});
  FakeXhr.last.abort();
  expect(await failure(sent)).toBe('0 unreachable');
});

class FakeXhr {
  static last: FakeXhr;
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  status = 0;
  responseText = '';
  aborted = false;

  constructor() {
    FakeXhr.last = this;
  }
  open() {}
  setRequestHeader() {}
  send() {}
  finish(status: number, text: string) {
    Object.assign(this, { status, responseText: text });
    this.onload?.();
    this.onloadend?.();
  }
  abort() {
    this.aborted = true;
    this.onabort?.();
    this.onloadend?.();
  }
}
