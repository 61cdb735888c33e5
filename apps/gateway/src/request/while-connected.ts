import { ClientGone } from './gateway-error.ts';
import type { InboundRequest } from './inbound-request.ts';

/**
 * Waits as long as the client does. Rejects with `ClientGone` when it leaves, so that what its request holds is released at once; what was waited for
 * goes on by itself then, and its failure is none of this request. The listener is removed on every path.
 */
export function whileConnected<T>(inbound: Pick<InboundRequest, 'response' | 'isGone'>, awaited: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => { reject(new ClientGone()); };
    inbound.response.once('close', onClose);
    if (inbound.isGone) onClose();
    awaited.then(resolve, reject).finally(() => { inbound.response.off('close', onClose); });
  });
}
