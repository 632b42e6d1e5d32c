// Who is signed in, asked once per page load and dropped on sign-out.

import { api, ApiError, type Me } from '@fieldpost/api-client';

export const account = $state<{ me: Me | null }>({ me: null });

/** Where a visitor belongs: `null` when signed in, else the page to go to first. */
export async function gateTo(path: string): Promise<string | null> {
  if (account.me) return null;
  try {
    account.me = await api.me();
    return null;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    const { needed } = await api.setupNeeded();
    return needed ? '/setup' : `/signin?next=${encodeURIComponent(path)}`;
  }
}
