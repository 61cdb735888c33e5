import type { BodyObserver } from '@penstock/sse-relay';
import type { RequestSpending } from '../cost/cost-of-request.ts';
import type { BatchCreation } from './batches/batch-creation.ts';
import type { BatchReading } from './batches/batch-reading.ts';
import { PipedExchange } from '../pipe/piped-exchange.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { LoggedBatch } from '../request/request-record.ts';
import type { ModelPlace } from './model-place.ts';
import type { NativeRoute } from './route-table.ts';
import type { NativeUpstream } from './upstreams/native-upstream.ts';

/** What the phases of one native request hand to each other. */
export class NativeExchange extends PipedExchange {
  declare route: NativeRoute | undefined;
  declare served: NativeUpstream | undefined;
  /** Whether it belongs to a message thread, which one account keeps. */
  continuesThread = false;
  /** Where its body names its model; only where it may be sent to an upstream with another name for it. */
  modelPlace: ModelPlace | undefined;
  /** The upstream's own name of the model, where that is another one than the client's. */
  upstreamModel: string | undefined;

  /** The message batch that it makes; absent for nearly every request. */
  batch: BatchCreation | undefined;
  /** The message batch whose results it reads, and what they cost so far. */
  batchRead: BatchReading | undefined;
  /** Reads the answer of a request for batches. */
  answerObserver: BodyObserver | undefined;

  constructor(inbound: InboundRequest) {
    super(inbound, 'native');
  }

  /** The client's name of a mapped model: one of the configuration's, so that there is an end of them. */
  get mappedModel(): string | undefined {
    return this.upstreamModel === undefined ? undefined : this.requestedModel;
  }

  get batchId(): string | undefined {
    return this.batch?.id;
  }

  get loggedBatch(): LoggedBatch | undefined {
    return this.batchRead?.logged ?? this.batch?.logged;
  }

  override spending(): RequestSpending | undefined {
    const { batch } = this;
    if (batch === undefined) return super.spending();
    this.requestedModel = batch.model;
    return {
      upstreamStatus: this.headAt === undefined ? undefined : this.status, wasSent: this.sentAt !== undefined,
      estimatedInput: 0, textBytes: 0, outputBound: 0, batch: batch.estimate(),
    };
  }
}
