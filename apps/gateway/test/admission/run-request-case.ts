import { fieldValues, openRawConnection, statusOf, type RawConnection, type WireMessage } from '@penstock/test-support';
import type { MarkedCase } from './corpus/request-corpus.ts';

/** What became of a case on the client's side. */
export interface CaseRun {
  /** Final responses to the case's own bytes, in order. */
  readonly responses: readonly WireMessage[];
  /** Whether the connection stayed open behind the first response, and then served the next request. */
  readonly nextRequest: 'served' | 'closed' | 'refused';
}

/** Sends a case on a connection of its own, and a plain request behind it. */
export async function runRequestCase(port: number, one: MarkedCase): Promise<CaseRun> {
  const connection = await openRawConnection(port);
  try {
    connection.send(one.bytes);
    if (one.verdict === 'wait') {
      connection.socket.end();
      await connection.closed();
      return { responses: await readResponses(connection, one), nextRequest: 'closed' };
    }
    const first = await readResponse(connection, one);
    if (first === undefined) return { responses: [], nextRequest: 'closed' };
    if (fieldValues(first.rawHeaders, 'connection').includes('close') || one.pipelined === true) {
      connection.socket.end();
      await connection.closed();
      return { responses: [first, ...await readResponses(connection, one)], nextRequest: 'closed' };
    }
    connection.send(`GET /anthropic/v1/models?after=${one.id} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const next = await readResponse(connection, one, false);
    return { responses: [first], nextRequest: next === undefined ? 'closed' : statusOf(next) === 200 ? 'served' : 'refused' };
  } finally {
    connection.close();
  }
}

async function readResponses(connection: RawConnection, one: MarkedCase): Promise<WireMessage[]> {
  const responses: WireMessage[] = [];
  for (let next = await readResponse(connection, one); next !== undefined; next = await readResponse(connection, one)) responses.push(next);
  return responses;
}

/** The next final response; `undefined` when the connection ends first. */
async function readResponse(connection: RawConnection, one: MarkedCase, toHead: boolean = one.bytes.startsWith('HEAD ')): Promise<WireMessage | undefined> {
  for (;;) {
    let message: WireMessage;
    try {
      message = await connection.readMessage({ kind: 'response', toHead });
    } catch (error) {
      if (connection.end() === 'open') throw error;
      return undefined;
    }
    if (statusOf(message) >= 200) return message;
  }
}
