import { createHash } from 'node:crypto';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { startCloudStub, type CloudStub } from '@penstock/test-support';
import { startTestGateway } from '../../start-test-gateway.ts';
import type { CloudPlace } from './cloud-places.ts';

/** A cloud, and the origin from which a client reaches it. */
export interface CloudPath {
  readonly origin: string;
  readonly stub: CloudStub;
  readonly simulator: Simulator;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The stub of a cloud with nothing before it; it wants the client's own credential. */
export async function openStraight(verify: CloudPlace['verify']): Promise<CloudPath> {
  const simulator = await startSimulator();
  const stub = await startCloudStub({ origin: simulator.origin, verify });
  return {
    origin: stub.origin, stub, simulator,
    async [Symbol.asyncDispose]() {
      await stub[Symbol.asyncDispose]();
      await simulator.close();
    },
  };
}

/** The same behind a gateway; the stub wants the gateway's credential. With a key, the gateway admits requests that carry it and no others. */
export async function openThrough(place: CloudPlace, key?: string): Promise<CloudPath> {
  const straight = await openStraight(place.verify);
  const { anthropic_native: native = {}, ...document } = place.document(straight.origin);
  const gateway = await startTestGateway('http://127.0.0.1:1', { ...document, anthropic_native: native, ...(key === undefined ? {} : { clients: [{ name: 'team', key_sha256: createHash('sha256').update(key).digest('hex') }] }) });
  return {
    ...straight, origin: `${gateway.origin}${place.mount}`,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await straight[Symbol.asyncDispose]();
    },
  };
}
