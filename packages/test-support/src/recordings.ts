import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** One recorded response body of the Anthropic API, with what is known of its head. */
export interface Recording {
  readonly name: string;
  readonly kind: 'sse' | 'json' | 'jsonl' | 'error' | 'transcripts';
  /** The decoded body, byte for byte. */
  readonly body: Buffer;
  /** The compressed body where the wire's bytes were kept. */
  readonly gzip: Buffer | undefined;
  /** Status, headers and request as recorded; absent for transcripts. */
  readonly meta: RecordingMeta | undefined;
}

/** The `*.meta.json` beside a recording. */
export interface RecordingMeta {
  readonly request?: { readonly method?: string; readonly uri?: string; readonly body?: unknown };
  readonly response?: { readonly status?: number; readonly headers?: Readonly<Record<string, string | readonly string[]>> };
}

/** The folder of recordings: `PENSTOCK_RECORDINGS`, else `../shared/recordings` beside the checkout; `undefined` when there is none. */
export function recordingsFolder(): string | undefined {
  const folder = process.env['PENSTOCK_RECORDINGS'] ?? resolve(import.meta.dirname, '../../../../shared/recordings');
  return existsSync(join(folder, 'sse')) ? folder : undefined;
}

/** All recordings of the given kinds, sorted by name; empty where the folder is absent. Tests say so when they skip. */
export function loadRecordings(...kinds: ReadonlyArray<Recording['kind']>): Recording[] {
  const folder = recordingsFolder();
  if (folder === undefined) return [];
  return kinds.flatMap((kind) => readdirSync(join(folder, kind))
    .filter((file) => !file.endsWith('.meta.json') && !file.endsWith('.gz'))
    .toSorted()
    .map((file) => loadRecording(join(folder, kind), file, kind)));
}

function loadRecording(folder: string, file: string, kind: Recording['kind']): Recording {
  const path = join(folder, file);
  const metaPath = path.replace(/\.[a-z]+$/, '.meta.json');
  const gzip = existsSync(`${path}.gz`) ? readFileSync(`${path}.gz`) : undefined;
  const body = readFileSync(path);
  if (gzip !== undefined && !gunzipSync(gzip).equals(body)) throw new Error(`${file}.gz does not decompress to ${file}`);
  const meta = existsSync(metaPath) ? JSON.parse(readFileSync(metaPath, 'utf8')) as RecordingMeta : undefined;
  return { name: file, kind, body, gzip, meta };
}
