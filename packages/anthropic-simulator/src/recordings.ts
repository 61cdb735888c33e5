import { readdir, readFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from './json.ts';
import type { Answer, BodyPart, HeaderField } from './http/answer.ts';
import { SimulatorError } from './simulator-error.ts';

/** Recorded responses, to be replayed byte for byte. */
export interface RecordingShelf {
  /** The names that can be replayed, sorted. */
  readonly names: readonly string[];
  /** The answer of a recording, compressed as it was on the wire if that was kept and the client takes it. */
  answer(name: string, acceptsGzip: boolean): Answer | undefined;
}

interface RecordingFile {
  readonly path: string;
  readonly kind: keyof typeof CONTENT_TYPES | 'http';
}

/** Files of the user's own, directly in the folder: bodies by their extension, and `http` for what `curl -i` printed. */
const OWN_KINDS: Readonly<Record<string, RecordingFile['kind']>> = Object.freeze({ sse: 'sse', json: 'json', jsonl: 'jsonl', http: 'http' });

const CONTENT_TYPES = {
  sse: 'text/event-stream; charset=utf-8', transcripts: 'text/event-stream; charset=utf-8', json: 'application/json', error: 'application/json', jsonl: 'application/x-jsonl',
} as const;

/** Fields that belong to the recorded connection, or that the recorder changed together with the body. */
const UNTRUSTWORTHY: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding', 'alt-svc']);

/** Reads the list of recordings in a folder; without a folder the shelf is empty. Rejects with `SimulatorError` when the folder cannot be read. */
export async function openRecordings(folder: string | undefined): Promise<RecordingShelf> {
  const files = folder === undefined ? new Map<string, RecordingFile>() : await listFiles(folder);
  return {
    names: [...files.keys()].toSorted(),
    answer: (name, acceptsGzip) => {
      const file = files.get(name);
      return file === undefined ? undefined : answerOf(file, acceptsGzip);
    },
  };
}

async function listFiles(folder: string): Promise<Map<string, RecordingFile>> {
  const files = new Map<string, RecordingFile>();
  for (const kind of ['sse', 'json', 'jsonl', 'error', 'transcripts'] as const) {
    const names = await readdir(join(folder, kind)).catch(() => undefined);
    for (const name of names ?? []) {
      if (name.endsWith('.meta.json') || name.endsWith('.gz')) continue;
      files.set(name.replace(/\.[a-z]+$/, ''), { path: join(folder, kind, name), kind });
    }
  }
  for (const name of await readdir(folder).catch(() => [])) {
    const [, stem = '', extension = ''] = /^(.+)\.([a-z]+)$/.exec(name) ?? [];
    const kind = Object.hasOwn(OWN_KINDS, extension) ? OWN_KINDS[extension] : undefined;
    if (kind !== undefined && !stem.endsWith('.meta')) files.set(stem, { path: join(folder, name), kind });
  }
  if (files.size === 0) throw new SimulatorError('recording_not_found', `recordings must be a folder with recorded responses, received ${folder}`);
  // Read one now, so that a folder without permissions fails at the start.
  const [first] = files.values();
  if (first !== undefined) await readFile(first.path);
  return files;
}

function answerOf({ path, kind }: RecordingFile, acceptsGzip: boolean): Answer {
  if (kind === 'http') return answerOfHttp(readFileSync(path));
  const isGzip = acceptsGzip && existsSync(`${path}.gz`);
  const bytes = readFileSync(isGzip ? `${path}.gz` : path);
  const { status, headers } = readMeta(path.replace(/\.[a-z]+$/, '.meta.json'));
  const fields: HeaderField[] = headers.some(([name]) => name === 'content-type') ? headers : [['content-type', CONTENT_TYPES[kind]], ...headers];
  if (isGzip) fields.push(['content-encoding', 'gzip']);
  const isSplit = !isGzip && CONTENT_TYPES[kind].startsWith('text/event-stream');
  return {
    status, headers: fields, body: isSplit ? [...splitEvents(bytes)] : [{ bytes, delayMs: 0 }],
    headDelayMs: 0, headerFamily: 'verbatim', isCompressible: false,
  };
}

/** What `curl -i` printed: the last head (interim responses and a proxy's stand before it), a blank line, and the body as it was decoded. */
function answerOfHttp(bytes: Buffer): Answer {
  let status = 200;
  let rest = bytes;
  let headers: HeaderField[] = [];
  for (;;) {
    const [head, length] = /^HTTP\/[\d.]+ (\d{3})[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest.toString('latin1'))?.map((text) => [text, text.length] as const)[0] ?? [];
    if (head === undefined || length === undefined) break;
    const [first = '', ...lines] = head.trimEnd().split(/\r?\n/);
    status = Number(first.split(' ')[1]);
    headers = lines.flatMap((line): HeaderField[] => {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      return name === '' || UNTRUSTWORTHY.has(name.toLowerCase()) ? [] : [[name, value]];
    });
    rest = rest.subarray(length);
  }
  const isStream = headers.some(([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('text/event-stream'));
  return { status, headers, body: isStream ? [...splitEvents(rest)] : [{ bytes: rest, delayMs: 0 }], headDelayMs: 0, headerFamily: 'verbatim', isCompressible: false };
}

/** Status and trustworthy fields as recorded; scrubbed values and placeholders are left out. */
function readMeta(path: string): { readonly status: number; readonly headers: HeaderField[] } {
  const meta: unknown = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  const response = isJsonObject(meta) ? meta['response'] : undefined;
  if (!isJsonObject(response)) return { status: 200, headers: [] };
  const recorded = isJsonObject(response['headers']) ? Object.entries(response['headers']) : [];
  const headers = recorded.flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((single): HeaderField => [name, String(single)]))
    .filter(([name, value]) => !UNTRUSTWORTHY.has(name) && !/^<\w+>$/.test(value));
  return { status: Number(response['status'] ?? 200), headers };
}

/** One part an event, so that a replayed stream arrives as a stream. */
function* splitEvents(bytes: Buffer): Generator<BodyPart> {
  let offset = 0;
  while (offset < bytes.length) {
    const end = bytes.indexOf('\n\n', offset);
    const next = end === -1 ? bytes.length : end + 2;
    yield { bytes: bytes.subarray(offset, next), delayMs: 0 };
    offset = next;
  }
}
