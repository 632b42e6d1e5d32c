// The server's API as functions, typed by its own document. Owns the addresses, the error envelope and the promise that
// whatever goes wrong on the wire is an `ApiError`; no state, no retries.

import createClient from 'openapi-fetch';
import type { paths } from './schema';
import type { Access, Role, Uploaded } from './types';

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

/** An answer, but none in the server's shape: a sign-in page of the Wi-Fi, a proxy's error page. */
const notFieldpost = (status: number) =>
  new ApiError(
    status,
    'not_fieldpost',
    'Something between this page and the server answered instead of it, often a Wi-Fi sign-in page. ' +
      'Nothing is lost; sign in to the network or take another one, then try again.',
  );

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function errorFrom(status: number, body: unknown): ApiError {
  const detail = isObject(body) ? body['error'] : null;
  if (!isObject(detail) || typeof detail['code'] !== 'string' || typeof detail['message'] !== 'string') {
    return notFieldpost(status);
  }
  return new ApiError(
    status,
    detail['code'],
    detail['message'],
    typeof detail['line'] === 'number' ? detail['line'] : null,
  );
}

const client = createClient<paths>({ credentials: 'same-origin' });

/** `has`: fields that tell the expected shape from any other JSON; without them the answer has no body. */
async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
  ...has: (keyof T & string)[]
): Promise<T> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    // fetch rejects with a TypeError when there is no answer at all, reading it as JSON with a SyntaxError.
    if (cause instanceof SyntaxError) throw notFieldpost(200);
    throw cause instanceof TypeError ? unreachable() : cause;
  });
  if (!response.ok) throw errorFrom(response.status, error);
  if (!shaped(data, has)) throw notFieldpost(response.status);
  return data as T;
}

const shaped = (body: unknown, has: string[]) =>
  has.length === 0 ? body === undefined : isObject(body) && has.every((field) => field in body);

/** What a session's page reads: by the cookie of who is signed in, or with the token of a link. */
const readerBy = (headers: Record<string, string> = {}) => ({
  session: (id: string) =>
    answer(client.GET('/api/v1/sessions/{id}', { params: { path: { id } }, headers }), 'id', 'status'),

  /** Channels (`gps.speed_mps`) between two moments of the recording, thinned so that every peak stays. */
  series: async (id: string, names: string[], from_s: number, to_s: number, max_points: number) => {
    const query = { names: names.join(','), from_s, to_s, max_points };
    const data = await answer(
      client.GET('/api/v1/sessions/{id}/channels/data', { params: { path: { id }, query }, headers }),
      'series',
    );
    return data.series;
  },
});

export type SessionReader = ReturnType<typeof readerBy>;

/** The one session of a link, for whoever holds it. */
export function sharedBy(token: string) {
  const headers = { authorization: `Bearer ${token}` };
  return {
    which: () => answer(client.GET('/api/v1/shared', { headers }), 'session_id', 'expires_at'),
    ...readerBy(headers),
  };
}

const ways = {
  waysIn: () => answer(client.GET('/api/v1/ways-in'), 'mail', 'sso'),
  forgotPassword: (email: string) => answer(client.POST('/api/v1/password/forgot', { body: { email } })),
  resetPassword: (token: string, password: string) =>
    answer(client.POST('/api/v1/password/reset', { body: { token, password } }), 'email'),
};

const people = {
  lookAtInvitation: (token: string) =>
    answer(client.POST('/api/v1/invitations/look', { body: { token } }), 'team_name', 'email', 'has_account'),
  acceptInvitation: (token: string, password: string | null) =>
    answer(client.POST('/api/v1/invitations/accept', { body: { token, password } }), 'email', 'role'),

  myTeams: async () => (await answer(client.GET('/api/v1/me/teams'), 'teams')).teams,
  actFor: (team_id: string) => answer(client.POST('/api/v1/me/team', { body: { team_id } }), 'email', 'role'),
  changePassword: (current: string, fresh: string) =>
    answer(client.POST('/api/v1/me/password', { body: { current, new: fresh } })),
  myTokens: async () => (await answer(client.GET('/api/v1/me/tokens'), 'tokens')).tokens,
  makeToken: (name: string, access: Access, expires_in_days: number | null) =>
    answer(client.POST('/api/v1/me/tokens', { body: { name, access, expires_in_days } }), 'token', 'id'),
  endToken: (id: string) => answer(client.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } })),

  team: () => answer(client.GET('/api/v1/team'), 'name', 'people'),
  renameTeam: (name: string) => answer(client.PATCH('/api/v1/team', { body: { name } })),
  changeRole: (user_id: string, role: Role) =>
    answer(client.PATCH('/api/v1/team/people/{user_id}', { params: { path: { user_id } }, body: { role } })),
  removePerson: (user_id: string) =>
    answer(client.DELETE('/api/v1/team/people/{user_id}', { params: { path: { user_id } } })),
  invitations: async () => (await answer(client.GET('/api/v1/team/invitations'), 'invitations')).invitations,
  invite: (email: string, role: Role) =>
    answer(client.POST('/api/v1/team/invitations', { body: { email, role } }), 'link', 'email'),
  withdraw: (id: string) => answer(client.DELETE('/api/v1/team/invitations/{id}', { params: { path: { id } } })),
  audit: (limit: number, before?: number) =>
    answer(client.GET('/api/v1/audit', { params: { query: { limit, ...(before ? { before } : {}) } } }), 'entries'),
};

const devices = {
  devices: (limit: number, cursor?: string) =>
    answer(client.GET('/api/v1/devices', { params: { query: { limit, ...(cursor ? { cursor } : {}) } } }), 'devices'),
  device: (id: string) => answer(client.GET('/api/v1/devices/{id}', { params: { path: { id } } }), 'device'),
  uptime: (id: string, limit: number, cursor?: string) =>
    answer(
      client.GET('/api/v1/devices/{id}/uptime', {
        params: { path: { id }, query: { limit, ...(cursor ? { cursor } : {}) } },
      }),
      'sessions',
      'counted_s',
    ),
  addDevice: (name: string) => answer(client.POST('/api/v1/devices', { body: { name } }), 'device_uuid', 'token'),
  claimCode: (name: string) =>
    answer(client.POST('/api/v1/devices/claim-codes', { body: { name } }), 'code', 'expires_at'),
  renameDevice: (id: string, name: string) =>
    answer(client.PATCH('/api/v1/devices/{id}', { params: { path: { id } }, body: { name } })),
  renewDeviceToken: (id: string) =>
    answer(client.POST('/api/v1/devices/{id}/token', { params: { path: { id } } }), 'token'),
  transferDevice: (id: string, team_id: string) =>
    answer(client.POST('/api/v1/devices/{id}/transfer', { params: { path: { id } }, body: { team_id } })),
  adoptDevice: (id: string, name: string) =>
    answer(client.POST('/api/v1/devices/{id}/adopt', { params: { path: { id } }, body: { name } })),
  ingestKeys: async () => (await answer(client.GET('/api/v1/ingest-keys'), 'keys')).keys,
  /** Of a device, or with `null` of the whole fleet. */
  makeIngestKey: (device_id: string | null) =>
    answer(
      client.POST('/api/v1/ingest-keys', { body: device_id === null ? { fleet: true } : { fleet: false, device_id } }),
      'key',
      'base_url',
    ),
  endIngestKey: (id: string) => answer(client.DELETE('/api/v1/ingest-keys/{id}', { params: { path: { id } } })),
  revokeDevice: (id: string) => answer(client.DELETE('/api/v1/devices/{id}', { params: { path: { id } } })),
};

export const api = {
  ...ways,
  setupNeeded: () => answer(client.GET('/api/v1/setup'), 'needed'),
  setUp: (token: string, email: string, password: string) =>
    answer(client.POST('/api/v1/setup', { body: { token, email, password } }), 'email'),
  signIn: (email: string, password: string) =>
    answer(client.POST('/api/v1/session-cookie/login', { body: { email, password } }), 'email'),
  signInByLink: (token: string) => answer(client.POST('/api/v1/session-cookie/link', { body: { token } }), 'email'),
  signOut: () => answer(client.POST('/api/v1/session-cookie/logout')),
  me: () => answer(client.GET('/api/v1/me'), 'email'),

  sessions: (limit: number, cursor?: string) =>
    answer(client.GET('/api/v1/sessions', { params: { query: { limit, ...(cursor ? { cursor } : {}) } } }), 'sessions'),
  reanalyse: (id: string, gates: { gate?: string; finish?: string }) =>
    answer(client.POST('/api/v1/sessions/{id}/reanalyse', { params: { path: { id } }, body: gates })),
  rawUrl: (recordingId: string) => `/api/v1/recordings/${encodeURIComponent(recordingId)}/raw`,

  ...readerBy(),

  shares: (id: string) => answer(client.GET('/api/v1/sessions/{id}/shares', { params: { path: { id } } }), 'shares'),
  share: (id: string, expires_in_days: number) =>
    answer(
      client.POST('/api/v1/sessions/{id}/shares', { params: { path: { id } }, body: { expires_in_days } }),
      'token',
      'expires_at',
    ),
  endShare: (id: string) => answer(client.DELETE('/api/v1/shares/{id}', { params: { path: { id } } })),

  ...people,
  ...devices,
};

/** Longest wait without a byte leaving, and for the answer after the last one: a crowded hotspot stalls for less. */
const STALL_MS_MAX = 60_000;

const stalled = () =>
  new ApiError(
    0,
    'stalled',
    `The connection stood still for ${STALL_MS_MAX / 1000} s. Move closer to the access point or take another network, then try again.`,
  );

/**
 * Sends one file as it is. XMLHttpRequest, because fetch cannot tell how many bytes have left.
 * `onSent` gets bytes of this file; it is called often and only with growing numbers.
 */
export function upload(file: File, onSent: (bytes: number) => void): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    let stall: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(stall);
      stall = setTimeout(() => {
        reject(stalled());
        xhr.abort();
      }, STALL_MS_MAX);
    };
    // The name travels in the query: a header cannot carry every letter a file name may have.
    xhr.open('POST', `/api/upload?${new URLSearchParams({ filename: file.name })}`);
    xhr.setRequestHeader('content-type', 'application/octet-stream');
    xhr.upload.onprogress = (event) => {
      alive();
      onSent(Math.min(event.loaded, file.size));
    };
    xhr.onerror = xhr.onabort = xhr.ontimeout = () => reject(unreachable());
    xhr.onload = () => {
      const body = parsed(xhr.responseText);
      if (xhr.status < 200 || xhr.status >= 300) reject(errorFrom(xhr.status, body));
      else if (shaped(body, ['recording_id', 'session_id', 'duplicate'])) resolve(body as Uploaded);
      else reject(notFieldpost(xhr.status));
    };
    xhr.onloadend = () => clearTimeout(stall);
    alive();
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
