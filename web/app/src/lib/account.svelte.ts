// Who is signed in, asked once per page load and dropped on sign-out.

import { goto } from '$app/navigation';
import { page } from '$app/state';
import { api, ApiError, type Me, type MyTeam } from '@fieldpost/api-client';

export const account = $state<{ me: Me | null; teams: MyTeam[] }>({ me: null, teams: [] });

/** Where a visitor belongs: `null` when signed in, else the page to go to first. */
export async function gateTo(path: string): Promise<string | null> {
  if (account.me) return null;
  try {
    account.me = await api.me();
    account.teams = await api.myTeams();
    return null;
  } catch (error) {
    if (!signedOut(error)) throw error;
    const { needed } = await api.setupNeeded();
    return needed ? '/setup' : `/signin?next=${encodeURIComponent(path)}`;
  }
}

/** Asks anew what this person may, and in which teams they are. A failure leaves what was known: every page tells its own. */
export async function refreshMe(): Promise<void> {
  try {
    account.me = await api.me();
    account.teams = await api.myTeams();
  } catch (error) {
    signInAgain(error);
  }
}

/** After this sign-in came to act for another team: nothing that is on the page is that team's, so all of it goes. */
export const startOver = (at = '/') => location.assign(at);

/** A 401 of the server's own; a Wi-Fi's or a proxy's says nothing about who is signed in here. */
const signedOut = (error: unknown) =>
  error instanceof ApiError && error.status === 401 && error.code !== 'not_fieldpost';

/** Whether the server wants the visitor to sign in again; if so, leads there and back to this page. */
export function signInAgain(error: unknown): boolean {
  if (!signedOut(error)) return false;
  account.me = null;
  void goto(`/signin?next=${encodeURIComponent(page.url.pathname)}`);
  return true;
}
