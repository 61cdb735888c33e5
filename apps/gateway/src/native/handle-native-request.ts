import type { InboundRequest } from '../request/inbound-request.ts';
import { checkSpending } from '../pipe/check-spending.ts';
import { answerModels } from './answer-models.ts';
import { checkBudget } from './check-budget.ts';
import { admit, authenticate, reserveTokens, takeLimits } from '../pipe/admission-phases.ts';
import { readResult } from '../pipe/read-result.ts';
import { respondToFailure } from '../pipe/respond-to-failure.ts';
import { settle } from '../pipe/settle.ts';
import { findMisplacedPath } from './explain-path.ts';
import { buildOutboundHead, receive, route } from './native-phases.ts';
import { forward } from './forward.ts';
import { watchBatch } from './batches/watch-batch.ts';
import { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';

/** Node's parser calls us when it has the head; once it has read what came together with it, a small body is whole. */
const HEAD_READ = Promise.resolve();

/**
 * The life of a request on the native path. Each phase is one function, called in this order from this one place; nothing
 * before `forward` talks to the upstream, and every request reaches `settle` exactly once.
 */
export async function handleNativeRequest(runtime: NativeRuntime, inbound: InboundRequest): Promise<void> {
  const exchange = new NativeExchange(inbound);
  runtime.metrics.requestStarted('native', inbound);
  try {
    admit(runtime, exchange); //                          1. refuse what is ambiguous, and loops
    const identified = authenticate(runtime, exchange, findMisplacedPath); // 2. before a body byte is read
    if (identified !== undefined) await identified;
    buildOutboundHead(runtime, exchange); //              the header policy
    const matched = route(runtime, exchange); //          3. on the validated path and the method
    checkBudget(runtime, exchange, matched); //           what the caller may spend
    const limited = takeLimits(runtime, exchange); //     4. of this client
    await (limited ?? HEAD_READ);
    const received = receive(runtime, exchange, matched); // 5. the body: gathered and validated, or streaming
    if (received !== undefined) await received;
    const reserved = reserveTokens(runtime, exchange, matched); // what it may cost, where the client's tokens are limited
    if (reserved !== undefined) await reserved;
    if (limited !== undefined || received !== undefined || reserved !== undefined) checkSpending(runtime, exchange, matched); // again, after a wait
    const listed = answerModels(runtime, exchange, matched); // where the upstream names models differently
    if (listed !== undefined) {
      await listed;
      return;
    }
    watchBatch(runtime, exchange, matched); //             what a message batch costs
    const relayed = await forward(runtime, exchange, matched); // 6. acquire a slot, 7. send, 8. relay
    readResult(runtime, exchange, relayed); //            what came of it
  } catch (failure) {
    await respondToFailure(runtime, exchange, failure);
  } finally {
    settle(runtime, exchange); //                         9. outcome, metrics, log, limits
  }
}
