// Drives the batch machine: sends one file after the other and asks about their analysis until it has ended. Lives
// as long as the page, so that a batch goes on while one looks at a session.

import { api, ApiError, upload } from '@fieldpost/api-client';
import { signInAgain } from './account.svelte';
import { EMPTY, next, step, toPoll, type Batch, type Event } from './data/batch';
import { sentence } from './data/errors';

let batch = $state.raw<Batch>(EMPTY);
const files = new Map<number, File>();
let nextKey = 1;
let polling = false;

export const uploads = {
  get batch() {
    return batch;
  },
  add(picked: Iterable<File>) {
    const added = [...picked].map((file) => {
      const key = nextKey++;
      files.set(key, file);
      return { key, name: file.name, sizeBytes: file.size };
    });
    if (added.length === 0) return;
    dispatch({ type: 'added', files: added });
    void send();
  },
  retry(key: number) {
    dispatch({ type: 'retried', key });
    void send();
  },
  /** Goes on where a sign-in was asked for: with the files that wait and the analyses that have not ended. */
  resume() {
    void send();
    void poll();
  },
};

function dispatch(event: Event) {
  batch = step(batch, event);
}

async function send(): Promise<void> {
  const item = next(batch);
  const file = item && files.get(item.key);
  if (!item || !file) return;
  const key = item.key;
  dispatch({ type: 'started', key });
  try {
    const answer = await upload(file, (bytes) => dispatch({ type: 'sent', key, bytes }));
    files.delete(key);
    dispatch({ type: 'stored', key, answer });
    void poll();
  } catch (error) {
    dispatch({ type: 'stopped', key, why: sentence(error) });
    // The files that wait stay in the queue: each would be refused as well.
    if (signInAgain(error)) return;
  }
  await send();
}

/** Analysis takes seconds: ask every second at first, then every five, so that a stuck job costs the server little. */
async function poll(): Promise<void> {
  if (polling) return;
  polling = true;
  try {
    for (let round = 0; toPoll(batch).length > 0; round += 1) {
      for (const id of toPoll(batch)) if (!(await ask(id))) return;
      await new Promise((wake) => setTimeout(wake, round < 20 ? 1000 : 5000));
    }
  } finally {
    polling = false;
  }
}

/** One question about one session; `false` when further ones are in vain until the person has signed in. */
async function ask(id: string): Promise<boolean> {
  try {
    dispatch({ type: 'polled', session: await api.session(id) });
  } catch (error) {
    if (signInAgain(error)) return false;
    // A lost connection comes back; the state on the page stays the last one known.
    if (passing(error)) return true;
    dispatch({ type: 'lost', sessionId: id, why: sentence(error) });
  }
  return true;
}

const passing = (error: unknown) =>
  error instanceof ApiError && (error.code === 'not_fieldpost' || ![403, 404].includes(error.status));
