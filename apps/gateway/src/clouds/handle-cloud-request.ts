import { admit, authenticate, reserveTokens, takeLimits } from '../pipe/admission-phases.ts';
import { checkSpending } from '../pipe/check-spending.ts';
import { readResult } from '../pipe/read-result.ts';
import { respondToFailure } from '../pipe/respond-to-failure.ts';
import { settle } from '../pipe/settle.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import { buildCloudHead, checkCloudBudget, receiveForCloud, routeToCloud } from './cloud-phases.ts';
import { CloudExchange, type CloudRuntime } from './cloud-runtime.ts';
import { forwardToCloud, signForCloud } from './forward-to-cloud.ts';

/** The life of a request in a cloud's own format: the phases of the native path in their order, with the cloud's paths, credential and errors. */
export async function handleCloudRequest(runtime: CloudRuntime, inbound: InboundRequest): Promise<void> {
  const exchange = new CloudExchange(inbound, runtime.format.side);
  runtime.metrics.requestStarted(exchange.side, inbound);
  try {
    admit(runtime, exchange); //                        1. refuse loops, and requests while draining
    await authenticate(runtime, exchange); //           2. before a body byte is read
    buildCloudHead(runtime, exchange); //               the header policy
    const target = routeToCloud(runtime, exchange); //  3. on the validated path and the method
    checkCloudBudget(runtime, exchange, target); //     what the caller may spend
    await takeLimits(runtime, exchange); //             4. of this client
    await receiveForCloud(runtime, exchange, target); // 5. the body: gathered and validated
    await reserveTokens(runtime, exchange, target.route); // what it may cost
    checkSpending(runtime, exchange, target.route); //  again, after a wait
    const path = await signForCloud(runtime, exchange); // the gateway's credential
    const relayed = await forwardToCloud(runtime, exchange, target, path); // 6. acquire a slot, 7. send, 8. relay
    readResult(runtime, exchange, relayed); //          what came of it
  } catch (failure) {
    await respondToFailure(runtime, exchange, failure);
  } finally {
    settle(runtime, exchange); //                       9. outcome, metrics, log, limits
  }
}
