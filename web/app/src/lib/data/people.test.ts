import type { AuditEntry, Person } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { isLastOwner, lifeLeft, logLine, mayChange, mayManage } from './people';

const person = (email: string, role: Person['role']): Person => ({ user_id: email, email, role, joined_at: '' });
const entry = (actor: string, action: string, subject = '', detail = ''): AuditEntry => ({
  number: 1,
  at: '2026-06-14T10:00:00Z',
  actor,
  action,
  subject,
  detail,
});
const said = (one: AuditEntry, devices?: Map<string, string>) => {
  const { who, did } = logLine(one, devices);
  return `${who} ${did}`;
};

test('viewers and guests are offered nothing that changes anything, members nothing about people', () => {
  expect((['owner', 'member', 'viewer', 'guest', undefined] as const).map(mayChange)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect((['owner', 'member', 'viewer', 'guest', undefined] as const).map(mayManage)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('the only owner is kept, one of two may go', () => {
  const [a, b] = [person('a', 'owner'), person('b', 'member')];
  expect(isLastOwner([a, b], a)).toBe(true);
  expect(isLastOwner([a, b], b)).toBe(false);
  expect(isLastOwner([a, b, person('c', 'owner')], a)).toBe(false);
});

test('the log is told in sentences', () => {
  expect(said(entry('a@x.org', 'member.invited', 'b@x.org', 'owner'))).toBe('a@x.org invited b@x.org as an owner');
  expect(said(entry('b@x.org', 'member.removed', 'b@x.org'))).toBe('b@x.org left the team');
  expect(said(entry('a@x.org', 'member.removed', 'b@x.org'))).toBe('a@x.org removed b@x.org');
  expect(said(entry('a@x.org', 'member.role_changed', 'a@x.org', 'viewer'))).toBe('a@x.org made themselves a viewer');
  expect(said(entry('claim code', 'device.added', 'd1', 'Kart 7'))).toBe(
    'A device with a claim code added the device Kart 7',
  );
  expect(said(entry('fleet key', 'device.added', 'd1', 'RS-9'))).toBe(
    'A device with the fleet key added the device RS-9',
  );
  expect(said(entry('a@x.org', 'ingest_key.made', 'k1', 'fleet'))).toBe(
    'a@x.org made an address with a key for the fleet',
  );
  expect(said(entry('operator', 'device.revoked', 'd1'))).toBe('The server’s command line ended a device');
});

test('a device is called what it is called now, and what it was renamed to stays', () => {
  const names = new Map([['d1', 'Kart 7']]);
  expect(said(entry('a@x.org', 'device.revoked', 'd1'), names)).toBe('a@x.org ended Kart 7');
  expect(said(entry('a@x.org', 'device.renamed', 'd1', 'Kart 6'), names)).toBe('a@x.org named a device Kart 6');
  expect(said(entry('a@x.org', 'device.commanded', 'd1', 'send_logs'), names)).toBe('a@x.org told Kart 7 to send logs');
  expect(logLine(entry('a', 'device.revoked', 'd1'), names).href).toBe('/devices/d1');
  expect(logLine(entry('a', 'device.revoked', 'gone'), names).href).toBe(null);
});

test('an action that this page does not know is shown as it is', () => {
  expect(said(entry('a@x.org', 'moon.landed', 'sea', 'calm'))).toBe('a@x.org moon.landed sea calm');
});

test('the life of a link is told in whole days that are left', () => {
  const now = new Date('2026-06-14T12:00:00Z');
  expect(lifeLeft('2026-06-15T11:00:00Z', now)).toMatch(/less than a day$/);
  expect(lifeLeft('2026-06-15T13:00:00Z', now)).toMatch(/, 1 day$/);
  expect(lifeLeft('2026-06-21T12:00:00Z', now)).toMatch(/, 7 days$/);
});
