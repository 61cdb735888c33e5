import { openRawConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIONS, isSimulatorError, startSimulator, type SimulatorOptions } from '../src/index.ts';
import { openStream } from './fixture.ts';

describe('startSimulator', () => {
  it.each<[SimulatorOptions, string]>([
    [{ port: -1 }, 'port must be a non-negative integer, received -1'],
    [{ batchPolls: 1.5 }, 'batchPolls must be a non-negative integer, received 1.5'],
    [{ rateLimits: { requests: -3 } }, 'requests must be a non-negative integer, received -3'],
    [{ pacing: { tokensPerSecond: 0 } }, 'pacing.tokensPerSecond must be a positive number, received 0'],
    [{ publicOrigin: 'nowhere' }, 'publicOrigin must be an absolute URL, received nowhere'],
  ])('refuses %j', async (options, message) => {
    const failure = await startSimulator(options).catch((error: unknown) => error);
    expect(isSimulatorError(failure) && failure.code).toBe('invalid_option');
    expect(String(failure)).toContain(message);
  });

  it.each<[unknown, string]>([
    [{ prot: 1 }, 'prot is not an option; did you mean port?'], [{ pacing: { firstTokens: 1 } }, 'pacing.firstTokens is not an option; did you mean firstTokenMs?'],
    [{ rateLimits: { request: 1 } }, 'rateLimits.request is not an option; did you mean requests?'], [{ faults: { stauts: 1 } }, 'stauts is not an option; did you mean status?'],
  ])('refuses %j and names the option that was meant', async (options, message) => {
    const failure = await startSimulator(options as SimulatorOptions).catch((error: unknown) => error);
    expect(isSimulatorError(failure) && failure.code).toBe('unknown_option');
    expect(String(failure)).toContain(message);
  });

  it('rejects when the port is taken', async () => {
    await using first = await startSimulator();
    await expect(startSimulator({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('counts connections and open streams, and breaks them all when it closes', async () => {
    const simulator = await startSimulator();
    const idle = await openRawConnection(simulator.port);
    const streaming = await openStream(simulator, 'sim-text', { 'anthropic-simulator': 'stall-at=50' });
    await expect.poll(() => simulator.openStreams).toBe(1);
    expect(simulator).toMatchObject({ connections: 2, acceptedConnections: 2 });
    await simulator.close();
    await simulator.close();
    await Promise.all([idle.closed(), streaming.closed()]);
    expect(simulator).toMatchObject({ connections: 0, openStreams: 0 });
  });

  it('writes no further once the client has left (no orphaned generation)', async () => {
    await using simulator = await startSimulator({ pacing: { firstTokenMs: 0, tokensPerSecond: 200 } });
    const connection = await openStream(simulator, 'sim-long', {}, { max_tokens: 20_000 });
    await connection.waitFor((bytes) => bytes.includes('content_block_delta'));
    connection.close();
    await expect.poll(() => simulator.openStreams).toBe(0);
    expect(simulator.abandonedRequests).toBe(1);
  });

  it('freezes its defaults', () => {
    expect(Object.isFrozen(DEFAULT_OPTIONS)).toBe(true);
  });
});
