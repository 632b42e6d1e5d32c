// A server with its owner, and what a test does there without a page: by the API, as scripts and devices do.

import assert from 'node:assert/strict';
import { ellipse } from './recording.js';

export const PASSWORD = 'a long enough password';
export const OWNER = 'owner@example.org';

/** Sets the server up; the context is signed in as its owner from then on. */
export async function own(context, server) {
  const data = { token: server.link.hash.slice(1), email: OWNER, password: PASSWORD };
  return ask(context, server, 'POST', '/api/v1/setup', data);
}

export async function signIn(context, server, email) {
  return ask(context, server, 'POST', '/api/v1/session-cookie/login', { email, password: PASSWORD });
}

/** One call with the cookies of the context, and a token if there is one; what it answers, which has to be good. */
export async function ask(context, server, method, path, data, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await context.request.fetch(server.origin + path, { method, headers, ...(data ? { data } : {}) });
  const text = await answer.text();
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** The status that a bearer of this token gets, without any cookie. */
export async function statusAs(token, server, path, method = 'GET', body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return (await fetch(server.origin + path, { method, headers, body })).status;
}

/** Invites by the API; the link. */
export async function invite(context, server, email, role) {
  return (await ask(context, server, 'POST', '/api/v1/team/invitations', { email, role })).link;
}

/** Takes an invitation, signed in or with the password of the tests; acts for that team from then on. */
export async function join(context, server, link) {
  const token = new URL(link).hash.slice(1);
  return ask(context, server, 'POST', '/api/v1/invitations/accept', { token, password: PASSWORD });
}

/** A recording of 40 s a lap, sent by a person or by the device of the token; its session, analysed. */
export async function addSession(context, server, name = 'ellipse.nmea', token = null) {
  const content = Buffer.from(ellipse({ lapS: 40, laps: 5 }));
  const bearer = token ? { authorization: `Bearer ${token}` } : {};
  const sent = await context.request.post(`${server.origin}/api/upload?filename=${name}`, {
    data: content,
    headers: { 'content-type': 'application/octet-stream', ...bearer },
  });
  const { session_id: id } = await sent.json();
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { status } = await ask(context, server, 'GET', `/api/v1/sessions/${id}`);
    if (status === 'ready') return id;
    assert.ok(status !== 'failed' && Date.now() < deadline, `the analysis is ${status}`);
    await new Promise((wake) => setTimeout(wake, 200));
  }
}

/** A device that has been on for some hours, once for longer than can be, and said how it is. */
export async function addLogger(context, server, name) {
  const { device_uuid: id, token } = await ask(context, server, 'POST', '/api/v1/devices', { name });
  const hour = 3_600_000;
  const at = (hoursAgo) => new Date(Date.now() - hoursAgo * hour).toISOString();
  const beats = [
    { session_start: at(50), run_seconds: 3 * 3600 + 1260, last_update: at(46), status: 'closed' },
    { session_start: at(26), run_seconds: 90 * 60, last_update: at(24.5), status: 'closed' },
    { session_start: at(5), run_seconds: 2_923_200, last_update: at(4), status: 'closed' },
    { session_start: at(2), run_seconds: 5400, last_update: at(0.5), status: 'open' },
  ];
  await ask(context, server, 'POST', '/api/v1/heartbeats', beats, token);
  const said = {
    device_uid: 'RS-7F3A',
    vbatt_sense: 3.71,
    battery_pct: 78,
    storage_sd_free: 12_345_678_901,
    fw: '1.4.0',
    crash: { reason: 'watchdog', boot: 41, firmware: '1.3.9', uptime_s: 7500, detail: 'task gps stuck in uart_read' },
  };
  await ask(context, server, 'POST', '/api/device/ping', said, token);
  return { id, token };
}
