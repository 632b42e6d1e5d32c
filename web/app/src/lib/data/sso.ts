// What the server says behind `/signin#sso=` when another service did not sign somebody in.

import { asSentence } from './errors';

const WORDS: Record<string, (name: string) => string> = {
  denied: (name) => `${name} did not let you through. Try again there, or sign in by your password.`,
  stale: () => 'That took longer than 15 minutes, or began in another browser. Begin again.',
  unverified: (name) =>
    `What ${name} answered does not verify. Try again; if it stays so, whoever runs this server finds the cause in its log.`,
  no_account: (name) =>
    `${name} knows you, but the address it has for you has no account here, or it never verified that address. Ask an owner of your team for an invitation.`,
  unreachable: (name) => `${name} does not answer. Sign in by your password, or try again later.`,
};

/** Why the way over the service called `name` ended at the sign-in page, or null if it did not. */
export function ssoTrouble(hash: string, name: string | null): string | null {
  const why = new URLSearchParams(hash.replace(/^#/, '')).get('sso');
  if (why === null) return null;
  const words = Object.hasOwn(WORDS, why) ? WORDS[why] : undefined;
  return words
    ? asSentence(words(name ?? 'the other service'), null)
    : 'The other service did not sign you in. Begin again.';
}
