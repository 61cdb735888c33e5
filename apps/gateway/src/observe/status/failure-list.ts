import { loggedId } from '../../request/logged-fields.ts';
import type { RequestDetails, RequestRecord } from '../../request/request-record.ts';
import { errorCodes } from '../log/describe-error.ts';
import { createRequestedModel } from '../log/requested-model.ts';
import type { FailureRow } from './status-part.ts';

/** Failures that are kept. */
export const MAX_FAILURES = 50;

type MutableFailure = { -readonly [Name in keyof FailureRow]: FailureRow[Name] };

/** The details of a request's end that a failure shows. */
export type FailureDetails = Pick<RequestDetails, 'errorCode' | 'failure' | 'upstreamRequestId'> & { readonly upstream?: string | undefined };

/** The failures of last time, of which equal ones are counted in one row: a client with a wrong key does not push all others out. */
export class FailureList {
  /** The latest last. */
  readonly #rows: MutableFailure[] = [];
  readonly #model = createRequestedModel();

  /** Notes a request that did not end well. `at` is Unix milliseconds. */
  record(record: RequestRecord, { errorCode, failure, upstreamRequestId, upstream }: FailureDetails, at: number): void {
    const code = errorCode ?? errorCodes(failure);
    const index = this.#rows.findLastIndex((row) => isAlike(row, record, upstream) && row.code === code);
    const [known] = index === -1 ? [] : this.#rows.splice(index, 1);
    const { side, client, route, status, outcome } = record;
    const row = known ?? { at, firstAt: at, count: 0, side, upstream, client, route, status, outcome, code, model: undefined, requestId: '', upstreamRequestId: undefined, costNanoDollars: 0 };
    row.at = at;
    row.count += 1;
    row.model = this.#model(record.requestedModel);
    row.requestId = record.requestId;
    row.upstreamRequestId = loggedId(upstreamRequestId);
    row.costNanoDollars += Number(record.cost?.nanoDollars ?? 0n);
    this.#rows.push(row);
    if (this.#rows.length > MAX_FAILURES) this.#rows.shift();
  }

  /** The rows, the latest first. */
  rows(): readonly FailureRow[] {
    return this.#rows.map((row) => ({ ...row })).toReversed();
  }
}

function isAlike(row: FailureRow, { side, client, route, status, outcome }: RequestRecord, upstream: string | undefined): boolean {
  return row.outcome === outcome && row.status === status && row.client === client && row.route === route && row.side === side && row.upstream === upstream;
}
