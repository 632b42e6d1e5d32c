// Who is signed in, asked once per page load and dropped on sign-out.

import { goto } from '$app/navigation';
import { page } from '$app/state';
import { api, ApiError, type Me } from '@fieldpost/api-client';

export const account = $state<{ me: Me | null }>({ me: null });

/** Where a visitor belongs: `null` when signed in, else the page to go to first. */
export async function gateTo(path: string): Promise<string | null> {
  if (account.me) return null;
  try {
    account.me = await api.me();
    return null;
  } catch (error) {
    if (!signedOut(error)) throw error;
    const { needed } = await api.setupNeeded();
    return needed ? '/setup' : `/signin?next=${encodeURIComponent(path)}`;
  }
}

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
