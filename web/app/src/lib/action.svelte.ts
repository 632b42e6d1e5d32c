// One thing that a person set off: whether it runs, and in words why it did not work.

import { tick } from 'svelte';
import { ApiError } from '@fieldpost/api-client';
import { refreshMe, signInAgain } from './account.svelte';
import { sentence } from './data/errors';
import { rememberFocus } from './ui/focus';

export class Action {
  busy = $state(false);
  trouble = $state<string | null>(null);

  /** Runs `what` unless something runs; true when it went well. */
  async run(what: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    // A button that is disabled while it works loses the focus.
    const giveBack = rememberFocus();
    this.busy = true;
    this.trouble = null;
    try {
      await what();
      return true;
    } catch (error) {
      if (signInAgain(error)) return false;
      // Whoever may not do this any more should not be offered it any more.
      if (error instanceof ApiError && (error.code === 'owners_only' || error.code === 'read_only')) void refreshMe();
      this.trouble = sentence(error);
      return false;
    } finally {
      this.busy = false;
      void tick().then(giveBack);
    }
  }
}
