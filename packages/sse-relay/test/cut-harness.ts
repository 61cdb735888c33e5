import { openRawConnection, readEvents, startScriptedUpstream, type Recording, type ScriptedConnection } from '@penstock/test-support';
import { createEventObserver } from '../src/index.ts';
import { FAILURE_EVENT, startRelay } from './start-relay.ts';

/** How the upstream breaks off: FIN or RST inside a chunked body, FIN in one that only the close ends, FIN in a compressed one. */
export type CutMode = 'fin' | 'reset' | 'close' | 'gzip';

/** What came of a set of cuts. A violation is a sentence; there must be none. */
export interface CutTotals { cuts: number; withErrorEvent: number; withoutErrorEvent: number; complete: number; readonly violations: string[] }

interface Wire { readonly bytes: Buffer; readonly headLength: number; bodyLengthAt(cut: number): number }

const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n';

/** One chunk an event, as the API sends it; the cut may fall into the framing too. */
function chunkedWire(body: Buffer, head: string, pieceLength: (offset: number) => number): Wire {
  const parts: Buffer[] = [Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`)];
  const headLength = parts[0]?.length ?? 0;
  const lengths: number[] = Array.from({ length: headLength + 1 }, () => 0);
  let sent = 0;
  const push = (bytes: Buffer, isBody: boolean): void => {
    parts.push(bytes);
    for (let index = 0; index < bytes.length; index += 1) lengths.push(isBody ? ++sent : sent);
  };
  for (let offset = 0; offset < body.length;) {
    const piece = body.subarray(offset, offset + pieceLength(offset));
    push(Buffer.from(`${piece.length.toString(16)}\r\n`), false);
    push(piece, true);
    push(Buffer.from('\r\n'), false);
    offset += piece.length;
  }
  push(Buffer.from('0\r\n\r\n'), false);
  return { bytes: Buffer.concat(parts), headLength, bodyLengthAt: (cut) => lengths[cut] ?? 0 };
}

function wireOf({ body, gzip }: Recording, mode: CutMode): { wire: Wire; sent: Buffer } {
  if (mode === 'gzip') {
    const sent = gzip ?? Buffer.alloc(0);
    return { sent, wire: chunkedWire(sent, `${SSE}content-encoding: gzip\r\n`, () => 97) };
  }
  if (mode === 'close') {
    const head = Buffer.from(`${SSE}\r\n`);
    return { sent: body, wire: { bytes: Buffer.concat([head, body]), headLength: head.length, bodyLengthAt: (cut) => Math.max(0, cut - head.length) } };
  }
  const toEventEnd = (offset: number): number => {
    const end = body.indexOf('\n\n', offset);
    return (end === -1 ? body.length : end + 2) - offset;
  };
  return { sent: body, wire: chunkedWire(body, SSE, toEventEnd) };
}

/** The offsets within `distance` bytes of an event's end, and `extra` others spread over the body; in the wire's own count. */
export function cutsNearBoundaries(recording: Recording, mode: CutMode, distance: number, extra: number): number[] {
  const { wire } = wireOf(recording, mode);
  const cuts = new Set<number>();
  for (let cut = wire.headLength; cut <= wire.bytes.length; cut += 1) {
    const ends = [...Array(distance * 2 + 1).keys()].map((delta) => wire.bodyLengthAt(cut) - distance + delta);
    if (ends.some((end) => end > 1 && recording.body.toString('latin1', end - 2, end) === '\n\n')) cuts.add(cut);
  }
  const span = wire.bytes.length - wire.headLength;
  for (let index = 0; index < extra; index += 1) cuts.add(wire.headLength + (index * 7_919 + 13) % span);
  return [...cuts];
}

/** Every offset of the body, framing included, and the whole. */
export function allCuts(recording: Recording, mode: CutMode): number[] {
  const { wire } = wireOf(recording, mode);
  return Array.from({ length: wire.bytes.length - wire.headLength + 1 }, (_, index) => wire.headLength + index);
}

/** Cuts one recording at each offset, through a real relay, and reads what the client got by the letter. */
export async function runCuts(recording: Recording, mode: CutMode, cuts: readonly number[], totals: CutTotals): Promise<void> {
  const { wire, sent } = wireOf(recording, mode);
  const serve = async (connection: ScriptedConnection): Promise<void> => {
    const request = await connection.nextRequest();
    const cut = Number(request.startLine.split(' ')[1]?.slice(1));
    connection.socket.write(wire.bytes.subarray(0, cut), () => { if (mode === 'reset') connection.reset(); else connection.socket.end(); });
  };
  await using upstream = await startScriptedUpstream(serve);
  await using relay = await startRelay(upstream.origin, { relay: () => {
    let sawStop = false;
    const observer = createEventObserver({ events: ['message_stop'], onEvent: () => { sawStop = true; } });
    return { observer, sawStop: () => sawStop, failureLingerMs: 5 };
  } });
  const queue = [...cuts];
  const work = async (): Promise<void> => {
    for (let cut = queue.pop(); cut !== undefined; cut = queue.pop()) {
      const client = await openRawConnection(relay.port);
      client.send(`GET /${cut} HTTP/1.1\r\nhost: x\r\n\r\n`);
      const message = await client.readMessage({ kind: 'response' });
      client.close();
      const fault = judge({ body: message.body, isComplete: message.complete }, { recording, mode, cut, wire, sent }, totals);
      if (fault !== undefined) totals.violations.push(`${recording.name} cut at ${cut} (${mode}): ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

interface Read { readonly body: Buffer; readonly isComplete: boolean }
interface Cut { readonly recording: Recording; readonly mode: CutMode; readonly cut: number; readonly wire: Wire; readonly sent: Buffer }

function judge({ body, isComplete }: Read, { mode, cut, wire, sent }: Cut, totals: CutTotals): string | undefined {
  totals.cuts += 1;
  const sentLength = wire.bodyLengthAt(cut);
  // A stream that only the close ends is whole when its stop event is: all but nothing may be missing.
  const isWhole = mode === 'close' ? sentLength === sent.length : cut === wire.bytes.length;
  const hasErrorEvent = body.subarray(-FAILURE_EVENT.length).equals(FAILURE_EVENT);
  const relayed = hasErrorEvent ? body.subarray(0, -FAILURE_EVENT.length) : body;
  if (isComplete) totals.complete += 1;
  else if (hasErrorEvent) totals.withErrorEvent += 1;
  else totals.withoutErrorEvent += 1;

  // After RST the kernel may drop what it had, the last bytes of a whole body included; any other cut keeps all that was sent.
  const mayLose = mode === 'reset';
  if (isComplete !== isWhole && !(mayLose && isWhole)) return isComplete ? 'a cut body looks whole' : 'a whole body looks cut';
  if (!relayed.equals(sent.subarray(0, relayed.length))) return 'the bytes are not a prefix of what was sent';
  if (!mayLose && relayed.length !== sentLength) return `${relayed.length} of ${sentLength} bytes arrived`;
  if (mode === 'gzip') return hasErrorEvent ? 'text was added to a compressed body' : undefined;
  // The cut may fall inside a character: what follows the last line end is a tail, whatever it is.
  const lineEnd = relayed.lastIndexOf(10) + 1;
  const isAtBoundary = lineEnd === relayed.length && readEvents(relayed).tail === '';
  if (!isComplete && hasErrorEvent !== isAtBoundary) return hasErrorEvent ? 'an error event was added inside an event' : 'no error event at a boundary';
  return !hasErrorEvent || readEvents(body).events.at(-1)?.event === 'error' ? undefined : 'the error event cannot be read';
}
