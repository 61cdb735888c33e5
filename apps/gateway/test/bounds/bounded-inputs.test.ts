import { BOUNDED_CELLS } from '@penstock/test-support';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startBoundedGateway, type BoundedGateway } from './bounded-gateway.ts';
import { checkCell } from './check-cell.ts';

/** A small part of the 32 MB of the slow suite: the bounds do not depend on it. */
const BYTES = 300_000;
/** The rest is plain JSON and plain events in large chunks, for the slow suite. */
const QUICK = /chunks of one byte|gzip|\bbr\b|zstd|lines|extensions|never ends|upload|no route|scrapes|informational|an error|list of models|no JSON|without/;

let gateway: BoundedGateway;
beforeAll(async () => { gateway = await startBoundedGateway(); });
afterAll(() => gateway[Symbol.asyncDispose]());

describe.each(['native', 'translated', 'relayed', 'operations'] as const)('whatever comes (%s)', (side) => {
  test.each(BOUNDED_CELLS.filter((cell) => cell.side === side && QUICK.test(cell.name)).map((cell) => [cell.name, cell] as const))('%s: no turn of the event loop has more than its share, and memory is bounded by the input', async (_name, cell) => {
    await checkCell(gateway, cell, BYTES);
  });
});
