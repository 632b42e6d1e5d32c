// Starts the real server on a free port with an empty data folder, and ends exactly that process again.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BINARY = process.env.FIELDPOST_BIN ?? path.join(ROOT, 'target/debug/fieldpost');
const START_MS_MAX = 30_000;

/** The folder of real recordings, which is not part of the repository. */
export const CORPUS = process.env.FIELDPOST_CORPUS ?? path.join(ROOT, '../shared/corpus');

/** Runs `fieldpost <command> <more>` until it has printed a link that ends in `/<kind>#<token>`. */
export async function start(command, kind, more = []) {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldpost-e2e-'));
  const args = [command, '--data-dir', path.join(folder, 'data'), '--listen', '127.0.0.1:0', ...more];
  const child = spawn(BINARY, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const link = await new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`no ${kind} link after ${START_MS_MAX} ms:\n${output}`)),
      START_MS_MAX,
    );
    const read = (chunk) => {
      output += chunk;
      const found = output.match(new RegExp(`http://127\\.0\\.0\\.1:\\d+/${kind}#[^\\s"']+`));
      if (found) {
        clearTimeout(late);
        resolve(new URL(found[0]));
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${BINARY} ended with ${code}:\n${output}`)));
  }).catch(async (error) => {
    child.kill();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    link,
    origin: link.origin,
    /** Runs a command of the same binary on the same data. */
    command(args, input = '') {
      const all = [...args, '--data-dir', path.join(folder, 'data')];
      const { status, stdout, stderr } = spawnSync(BINARY, all, { cwd: folder, input, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
      return stdout;
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
