// The server's API as functions, typed by its own document. Owns the addresses and the error envelope and nothing
// else: no state, no retries.

import createClient from 'openapi-fetch';
import type { components, paths } from './schema';
import type { Uploaded } from './types';

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

const unreachable = () =>
  new ApiError(
    0,
    'unreachable',
    'The server does not answer. Check that it runs and that this device has a connection to it.',
  );

/** Reads the error envelope; an answer without one (a proxy's, a broken server's) still gets words. */
function errorFrom(status: number, body: unknown): ApiError {
  if (typeof body === 'object' && body !== null && 'error' in body) {
    const { error } = body as components['schemas']['ErrorBody'];
    return new ApiError(status, error.code, error.message, error.line ?? null);
  }
  return new ApiError(status, 'http', `The server answered ${status} and gave no reason.`);
}

const client = createClient<paths>({ credentials: 'same-origin' });

async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    // fetch rejects with a TypeError when there is no answer at all.
    throw cause instanceof TypeError ? unreachable() : cause;
  });
  if (!response.ok) throw errorFrom(response.status, error);
  return data as T;
}

export const api = {
  setupNeeded: () => answer(client.GET('/api/v1/setup')),
  setUp: (token: string, email: string, password: string) =>
    answer(client.POST('/api/v1/setup', { body: { token, email, password } })),
  signIn: (email: string, password: string) =>
    answer(client.POST('/api/v1/session-cookie/login', { body: { email, password } })),
  signInByLink: (token: string) => answer(client.POST('/api/v1/session-cookie/link', { body: { token } })),
  signOut: () => answer(client.POST('/api/v1/session-cookie/logout')),
  me: () => answer(client.GET('/api/v1/me')),

  sessions: (limit: number, cursor?: string) =>
    answer(client.GET('/api/v1/sessions', { params: { query: { limit, ...(cursor ? { cursor } : {}) } } })),
  session: (id: string) => answer(client.GET('/api/v1/sessions/{id}', { params: { path: { id } } })),
  reanalyse: (id: string, gates: { gate?: string; finish?: string }) =>
    answer(client.POST('/api/v1/sessions/{id}/reanalyse', { params: { path: { id } }, body: gates })),
  rawUrl: (recordingId: string) => `/api/v1/recordings/${encodeURIComponent(recordingId)}/raw`,

  /** Channels (`gps.speed_mps`) between two moments of the recording, thinned so that every peak stays. */
  series: async (id: string, names: string[], from_s: number, to_s: number, max_points: number) => {
    const query = { names: names.join(','), from_s, to_s, max_points };
    const data = await answer(client.GET('/api/v1/sessions/{id}/channels/data', { params: { path: { id }, query } }));
    return data.series;
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
    xhr.onerror = () => reject(unreachable());
    xhr.onload = () => {
      const body = parsed(xhr.responseText);
      if (xhr.status >= 200 && xhr.status < 300) resolve(body as Uploaded);
      else reject(errorFrom(xhr.status, body));
    };
    xhr.send(file);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
