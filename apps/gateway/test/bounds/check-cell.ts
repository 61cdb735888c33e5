import { PIECE_BYTES, TURN_BYTES } from '@penstock/inbound-server';
import type { BoundedCell, BoundedSide } from '@penstock/test-support';
import { expect } from 'vitest';
import type { BoundedGateway } from './bounded-gateway.ts';

const READ_BYTES = 65_536;
/** What Node reads of one connection in a turn at most. More than `TURN_BYTES` is only thrown away: what comes behind a refusal. */
const MOST_READ_BYTES = 32 * READ_BYTES;
/** What the process holds whatever comes: compiled code, buffers of connections, threads that begin. */
const FIXED_BYTES = 4 * 1024 * 1024;
/** How many times its size an input may hold; where it is translated, its values are bounded in number, and each may cost this much. */
const MOST_TIMES: Readonly<Record<BoundedSide, number>> = { native: 3, relayed: 3, operations: 3, translated: 6 };

/** Sends the input of a cell and checks that its turns and its memory were bounded, and that the gateway answered. */
export async function checkCell(gateway: BoundedGateway, cell: BoundedCell, bytes: number): Promise<void> {
  const report = await gateway.run(cell, bytes);
  const isAccepted = report.status < 300;
  expect(report.status).toBeGreaterThanOrEqual(100);
  expect(report.mostBytesOfASocket).toBeLessThanOrEqual(isAccepted ? TURN_BYTES + 2 * READ_BYTES : MOST_READ_BYTES);
  expect(report.mostChunksOfAMessage).toBeLessThanOrEqual(TURN_BYTES / PIECE_BYTES);
  expect(report.turns).toBeGreaterThanOrEqual(report.bytes / MOST_READ_BYTES);
  expect(report.mostHeldBytes).toBeLessThanOrEqual(MOST_TIMES[cell.side] * Math.max(bytes, report.sentBytes) + FIXED_BYTES);
}
