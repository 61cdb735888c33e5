import { createBatchResultsObserver, type BatchResult } from '@penstock/anthropic-usage';
import type { BodyObserver } from '@penstock/sse-relay';
import { dollarsOf } from '../../cost/dollars.ts';
import type { RequestObserver } from '../../observe/request-observer.ts';
import { loggedId } from '../../request/logged-fields.ts';
import type { LoggedBatch } from '../../request/request-record.ts';

/** A request that reads the results of a message batch: each of them corrects what the batch was charged. */
export class BatchReading {
  readonly #id: string;
  readonly #upstream: () => string | undefined;
  readonly #observer: RequestObserver;
  #results = 0;
  #nanoDollars = 0n;

  /** @param id the batch, as the path names it @param upstream the name of the upstream that answers */
  constructor(id: string, upstream: () => string | undefined, observer: RequestObserver) {
    this.#id = id;
    this.#upstream = upstream;
    this.#observer = observer;
  }

  /** What the access log shows of it; absent before the first result. */
  get logged(): LoggedBatch | undefined {
    const id = loggedId(this.#id);
    return id === undefined || this.#results === 0 ? undefined : { id, results: this.#results, results_dollars: dollarsOf(this.#nanoDollars) };
  }

  /** Reads an answer. */
  observe(onError: (error: unknown) => void): BodyObserver {
    return createBatchResultsObserver({
      onError,
      onResult: (result) => {
        // One that succeeded without usage keeps its estimate: there is nothing better.
        if (result.type === 'succeeded' && result.usage === undefined) return;
        this.#results += 1;
        this.#nanoDollars += this.#observer.batchResultRead(this.#id, result.customId, this.#requestOf(result));
      },
    });
  }

  /** Results that are not billed have no usage. */
  #requestOf({ usage, model }: BatchResult): Parameters<RequestObserver['batchResultRead']>[2] {
    if (usage === undefined) return undefined;
    return {
      upstream: this.#upstream(), outcome: 'ok', source: 'final', model, upstreamModel: undefined, requestedModel: undefined, spending: undefined, usage: { ...usage, serviceTier: 'batch' },
    };
  }
}
