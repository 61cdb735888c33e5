import { startScriptedUpstream, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';

/** An upstream whose first answer waits for the test. */
export interface LateUpstream extends ScriptedUpstream {
  /** Resolves when the first request has arrived. */
  readonly arrived: Promise<void>;
  /** Lets the first request be answered. */
  readonly answer: () => void;
}

/** Starts one; `answerTo` gives the answer to each request. */
export async function startLateUpstream(answerTo: (request: WireMessage, isFirst: boolean) => Buffer): Promise<LateUpstream> {
  const arrival = Promise.withResolvers<void>();
  const permission = Promise.withResolvers<void>();
  let count = 0;
  const upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      count += 1;
      const isFirst = count === 1;
      if (isFirst) {
        arrival.resolve();
        await permission.promise;
      }
      connection.send(answerTo(request, isFirst));
    }
  });
  return Object.assign(upstream, { arrived: arrival.promise, answer: () => { permission.resolve(); } });
}
