import { createHash } from 'node:crypto';
import type { FetchedBytes } from '../load/fetch-bytes.ts';
import type { Target } from '../load/target.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { MESSAGE_BODY, wholeStream } from '../wire/upstream-answers.ts';
import type { BenchRig } from './bench-rig.ts';
import { planOf } from './measure-round.ts';
import type { Workload } from './workload.ts';

/** Whether bytes crossed as they were, or why not. */
export type ByteCheck = 'equal' | 'request changed' | 'response changed' | 'both changed' | 'translated';

const VERIFIED_EVENTS = 200;

/**
 * Sends one request through a contender and compares the SHA-256 of what arrived at either end with what was sent. Throws
 * when it does not answer at all.
 */
export async function verifyBytes(rig: BenchRig, workload: Workload, target: Target): Promise<ByteCheck> {
  if (workload.endpoint === 'chat') {
    await rig.upstream.call('plan', workload.body === 'chat stream' ? { kind: 'stream', pace: 'at once', events: 10 } : planOf(workload));
    requireOk(await rig.load.call<FetchedBytes>('fetch', target));
    return 'translated';
  }
  await rig.upstream.call('plan', { kind: 'digest' });
  const digested = requireOk(await rig.load.call<FetchedBytes>('fetch', target));
  const requestEqual = digested.text.includes(digested.sentSha256);
  const isStream = workload.kind !== 'requests';
  await rig.upstream.call('plan', isStream ? { kind: 'stream', pace: 'at once', events: VERIFIED_EVENTS } : { kind: 'message' });
  const answered = requireOk(await rig.load.call<FetchedBytes>('fetch', target));
  const responseEqual = answered.sha256 === sha256(isStream ? bodyOfStream() : MESSAGE_BODY);
  if (requestEqual) return responseEqual ? 'equal' : 'response changed';
  return responseEqual ? 'request changed' : 'both changed';
}

function requireOk(fetched: FetchedBytes): FetchedBytes {
  if (fetched.status !== 200) throw new Error(`it answered ${fetched.status}: ${fetched.text.slice(0, 300)}`);
  return fetched;
}

function bodyOfStream(): Buffer {
  const pieces: Buffer[] = [];
  new HttpReader({ onBody: (piece) => { pieces.push(Buffer.from(piece)); }, onMessage: () => undefined }).push(wholeStream(VERIFIED_EVENTS));
  return Buffer.concat(pieces);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
