import { PipedExchange } from '../pipe/piped-exchange.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { NativeRoute } from './route-table.ts';
import type { NativeUpstream } from './upstreams/native-upstream.ts';

/** What the phases of one native request hand to each other. */
export class NativeExchange extends PipedExchange {
  declare route: NativeRoute | undefined;
  declare served: NativeUpstream | undefined;
  /** Whether it belongs to a message thread, which one account keeps. */
  continuesThread = false;

  constructor(inbound: InboundRequest) {
    super(inbound, 'native');
  }
}
