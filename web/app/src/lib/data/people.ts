// Who may do what, and what the log says, in words. The server decides; this only keeps the pages from offering what it
// would refuse.

import type { AuditEntry, Person, Role } from '@fieldpost/api-client';
import { shortDay } from './format';

/** Whoever looks at a page: somebody of the team, or a guest with the link to one session. */
export type Standing = Role | 'guest';

/** Roles from the one that may least, each with what it may beyond the one before. */
export const ROLES: { role: Role; may: string }[] = [
  { role: 'viewer', may: 'looks at everything' },
  { role: 'member', may: 'also adds recordings and devices, and shares sessions' },
  { role: 'owner', may: 'also invites people, gives roles and reads the log' },
];

export const mayChange = (who: Standing | undefined): boolean => who === 'owner' || who === 'member';
export const mayManage = (who: Standing | undefined): boolean => who === 'owner';

/** `a member`, `an owner`. */
export const aRole = (role: string): string => `${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role}`;

/** Whether nobody but this person owns the team, so that it has to keep them. */
export function isLastOwner(people: Person[], whom: Person): boolean {
  return whom.role === 'owner' && people.every((one) => one === whom || one.role !== 'owner');
}

export interface LogLine {
  who: string;
  did: string;
  /** Where what it was done to can be looked at. */
  href: string | null;
}

/** An entry of the log as a sentence: `who` `did`. `devices` are names by id, as far as they are known. */
export function logLine(entry: AuditEntry, devices: Map<string, string> = new Map()): LogLine {
  const { actor, action, subject, detail } = entry;
  const who = ACTORS[actor] ?? actor;
  const device = devices.get(subject);
  const named = device ?? (detail || 'a device');
  const line = (did: string, href: string | null = null) => ({ who, did, href });
  const toDevice = device === undefined ? null : `/devices/${subject}`;
  switch (action) {
    case 'team.renamed':
      return line(`named the team ${detail}`);
    case 'member.invited':
      return line(`invited ${subject} as ${aRole(detail)}`);
    case 'invitation.withdrawn':
      return line(`withdrew the invitation of ${subject}`);
    case 'member.joined':
      return line(`joined as ${aRole(detail)}`);
    case 'member.role_changed':
      return line(`made ${subject === actor ? 'themselves' : subject} ${aRole(detail)}`);
    case 'member.removed':
      return line(subject === actor ? 'left the team' : `removed ${subject}`);
    case 'api_token.made':
      return line(`made the script token ${detail}`);
    case 'api_token.revoked':
      return line(`ended the script token ${detail}`);
    case 'share.made':
      return line('shared a session', `/session/${subject}`);
    case 'share.revoked':
      return line('ended the link to a session', `/session/${subject}`);
    case 'claim_code.made':
      return line(`made a claim code for ${subject}`);
    case 'device.added':
      return line(`added the device ${detail || named}`, toDevice);
    case 'device.renamed':
      return line(`named a device ${detail}`, toDevice);
    case 'device.token_renewed':
      return line(`gave ${named} a new token`, toDevice);
    case 'device.revoked':
      return line(`ended ${named}`, toDevice);
    case 'device.adopted':
      return line(`adopted the device ${detail}`, toDevice);
    case 'ingest_key.made':
      return line(`made an address with a key for ${keyOf(detail, devices)}`);
    case 'ingest_key.revoked':
      return line(`ended an address with a key of ${keyOf(detail, devices)}`);
    case 'device.desired_changed':
      return line(`changed what ${device ?? 'a device'} should be`, toDevice);
    case 'device.commanded':
      return line(`told ${device ?? 'a device'} to ${detail.replaceAll('_', ' ')}`, toDevice);
    case 'device.moved_away':
      return line(`gave ${named} to another team`, toDevice);
    case 'device.moved_here':
      return line(`brought ${named} from another team`, toDevice);
    default:
      return line([action, subject, detail].filter(Boolean).join(' '));
  }
}

/** Whose an ingest key is: `fleet`, a device's id or its name. */
const keyOf = (detail: string, devices: Map<string, string>) =>
  detail === 'fleet' ? 'the fleet' : (devices.get(detail) ?? detail);

const ACTORS: Record<string, string> = {
  operator: 'The server’s command line',
  'claim code': 'A device with a claim code',
  'fleet key': 'A device with the fleet key',
};

/** Until when something works, with the days that are left: `until 28 Nov, 6 days`. */
export function lifeLeft(expiresIso: string, now: Date): string {
  const days = Math.floor((Date.parse(expiresIso) - now.getTime()) / 86_400_000);
  const left = days < 1 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
  return `until ${shortDay(expiresIso, now)}, ${left}`;
}
