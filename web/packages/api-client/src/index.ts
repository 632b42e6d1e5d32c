// The server's API as functions. Owns the addresses, the error envelope and nothing else: no state, no retries.

import type { Me, Series, SessionDetail, SessionPage, Uploaded } from './types';

export type * from './types';

/** A refusal by the server, or no answer at all (`status` 0). `message` is a sentence for the person. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly line: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

const UNREACHABLE = 'The server does not answer. Check that it runs and that this device has a connection to it.';

/** Reads the error envelope; an answer without one still gets words. */
export function errorFrom(status: number, body: string): ApiError {
  try {
    const { error } = JSON.parse(body) as { error?: { code: string; message: string; line?: number | null } };
    if (error) return new ApiError(status, error.code, error.message, error.line ?? null);
  } catch {
    // Not JSON: a proxy or a broken server answered; the status is all there is to tell.
  }
  return new ApiError(status, 'http', `The server answered ${status} and gave no reason.`);
}

async function call(method: 'GET' | 'POST', path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'unreachable', UNREACHABLE);
  }
  if (!response.ok) throw errorFrom(response.status, await response.text());
  return response;
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call('GET', path, undefined, signal)).json() as Promise<T>;
}

const session = (id: string) => `/api/v1/sessions/${encodeURIComponent(id)}`;

export const api = {
  setupNeeded: () => get<{ needed: boolean }>('/api/v1/setup'),
  setUp: (token: string, email: string, password: string) => call('POST', '/api/v1/setup', { token, email, password }),
  signIn: (email: string, password: string) => call('POST', '/api/v1/session-cookie/login', { email, password }),
  signInByLink: (token: string) => call('POST', '/api/v1/session-cookie/link', { token }),
  signOut: () => call('POST', '/api/v1/session-cookie/logout'),
  me: () => get<Me>('/api/v1/me'),

  sessions: (limit: number, cursor?: string) => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set('cursor', cursor);
    return get<SessionPage>(`/api/v1/sessions?${query}`);
  },
  session: (id: string) => get<SessionDetail>(session(id)),
  reanalyse: (id: string, gates: { gate?: string; finish?: string }) => call('POST', `${session(id)}/reanalyse`, gates),
  rawUrl: (recordingId: string) => `/api/v1/recordings/${encodeURIComponent(recordingId)}/raw`,

  series: async (id: string, names: string[], fromS: number, toS: number, maxPoints: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({
      names: names.join(','),
      from_s: String(fromS),
      to_s: String(toS),
      max_points: String(maxPoints),
    });
    return (await get<{ series: Series[] }>(`${session(id)}/channels/data?${query}`, signal)).series;
  },
};

/**
 * Sends one file as it is. XMLHttpRequest, because fetch cannot tell how many bytes have left.
 * `onSent` gets bytes of this file; it is called often and only with growing numbers.
 */
export function upload(file: File, onSent: (bytes: number) => void): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    // The name travels in the query: a header cannot carry every letter a file name may have.
    xhr.open('POST', `/api/upload?${new URLSearchParams({ filename: file.name })}`);
    xhr.setRequestHeader('content-type', 'application/octet-stream');
    xhr.upload.onprogress = (event) => onSent(Math.min(event.loaded, file.size));
    xhr.onerror = () => reject(new ApiError(0, 'unreachable', UNREACHABLE));
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText) as Uploaded);
      else reject(errorFrom(xhr.status, xhr.responseText));
    };
    xhr.send(file);
  });
}
