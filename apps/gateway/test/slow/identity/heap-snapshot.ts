import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { PenstockProcess } from '../../run-penstock.ts';

/** What a running process holds, by the texts in its heap after a full garbage collection. */
export interface HeapReader {
  /** The environment with which the process must be started. */
  readonly environment: Readonly<Record<string, string>>;
  /** The different texts in its heap that match; the pattern is global and matches 32 characters at most. */
  count(penstock: PenstockProcess, pattern: RegExp): Promise<number>;
}

const LONGEST_MATCH = 32;
const CHUNK_BYTES = 1 << 20;

/** Makes a reader, for a process without workers: with them SIGUSR2 restarts those. */
export function createHeapReader(stack: AsyncDisposableStack): HeapReader {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-heap-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  return {
    environment: { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}` },
    async count({ child, operations }, pattern) {
      child.kill('SIGUSR2');
      const written = async (): Promise<string> => {
        for (;;) {
          const [name] = readdirSync(folder);
          if (name !== undefined && existsSync(join(folder, name))) return join(folder, name);
          if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
          await wait(50);
        }
      };
      const path = await written();
      // The event loop stands still until the file is whole.
      await (await fetch(`${operations}/livez`)).text();
      const found = await findTexts(path, pattern);
      rmSync(path);
      return found.size;
    },
  };
}

async function findTexts(path: string, pattern: RegExp): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const file = await open(path);
  try {
    let tail = '';
    for await (const chunk of file.readableWebStream({ autoClose: false }) as AsyncIterable<Uint8Array>) {
      for (let start = 0; start < chunk.byteLength; start += CHUNK_BYTES) {
        const text = tail + Buffer.from(chunk.buffer, chunk.byteOffset + start, Math.min(CHUNK_BYTES, chunk.byteLength - start)).toString('latin1');
        for (const [match] of text.matchAll(pattern)) found.add(match);
        tail = text.slice(-LONGEST_MATCH);
      }
    }
  } finally {
    await file.close();
  }
  return found;
}
