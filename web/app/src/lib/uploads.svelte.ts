// Drives the batch machine: sends one file after the other and asks about their analysis until it has ended. Lives
// as long as the page, so that a batch goes on while one looks at a session.

import { api, ApiError, upload } from '@fieldpost/api-client';
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
  }
  await send();
}

/** Analysis takes seconds: ask every second at first, then every five, so that a stuck job costs the server little. */
async function poll(): Promise<void> {
  if (polling) return;
  polling = true;
  for (let round = 0; toPoll(batch).length > 0; round += 1) {
    for (const id of toPoll(batch)) {
      try {
        dispatch({ type: 'polled', session: await api.session(id) });
      } catch (error) {
        // A lost connection comes back; the state on the page stays the last one known.
        if (!(error instanceof ApiError)) throw error;
      }
    }
    await new Promise((wake) => setTimeout(wake, round < 20 ? 1000 : 5000));
  }
  polling = false;
}
