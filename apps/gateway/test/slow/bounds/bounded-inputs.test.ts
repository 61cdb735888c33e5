import { BOUNDED_CELLS } from '@penstock/test-support';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startBoundedGateway, type BoundedGateway } from '../../bounds/bounded-gateway.ts';
import { checkCell } from '../../bounds/check-cell.ts';

const BYTES = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 2_000_000 : 32_000_000;

let gateway: BoundedGateway;
beforeAll(async () => { gateway = await startBoundedGateway(); });
afterAll(() => gateway[Symbol.asyncDispose]());

describe.each(['native', 'translated', 'relayed', 'operations'] as const)('32 MB of whatever comes (%s)', (side) => {
  test.each(BOUNDED_CELLS.filter((cell) => cell.side === side).map((cell) => [cell.name, cell] as const))('%s: no turn of the event loop has more than its share, and memory is bounded by the input', async (_name, cell) => {
    await checkCell(gateway, cell, BYTES);
  });
});
