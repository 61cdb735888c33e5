import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { REAL_PACING, startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { pino } from 'pino';
import { SIMULATED_PRICE } from '../config/sections/prices-section.ts';
import { gatewayConfigSchema, type GatewayConfig } from '../config/gateway-config.ts';
import { createGateway } from '../create-gateway.ts';

/** What the scenes play on: a gateway of their own on a free loopback port, and an upstream behind it. */
export interface DemoStage {
  readonly anthropic: string;
  readonly openai: string;
  readonly model: string;
  /** Absent when the real API is behind the gateway. */
  readonly simulator: Simulator | undefined;
  /** Lines of the gateway's metrics that match and are not 0, once `count` in all are counted: an answer is recorded just after its end. */
  counted(pattern: RegExp, count: number): Promise<readonly string[]>;
}

/** How to set up a stage. */
export interface DemoStageOptions {
  /** A configuration for the real API; absent: the simulator answers. */
  readonly config?: GatewayConfig | undefined;
  readonly model: string;
  /** Sections laid over the configuration. */
  readonly sections?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Whether the simulator takes the time that a model takes. */
  readonly isPaced?: boolean;
}

const RECORDING_POLL_MS = 20;
const MAX_RECORDING_DELAY_MS = 5_000;

/** Starts a gateway in this process, with nothing of it visible but its port, plays on it and clears it away. */
export async function onStage({ config, model, sections = {}, isPaced = false }: DemoStageOptions, play: (stage: DemoStage) => Promise<void>): Promise<void> {
  const simulator = config === undefined ? await startSimulator(isPaced ? { pacing: { ...REAL_PACING, firstTokenMs: 300 } } : {}) : undefined;
  const gateway = await createGateway({
    config: withOwnPort(config ?? simulated(simulator?.origin ?? '', sections)),
    processLogger: { logger: pino({ level: 'silent' }), flush: () => Promise.resolve(true) },
    version: 'demo', viaPseudonym: 'penstock-demo',
  });
  const stage: DemoStage = {
    anthropic: `http://127.0.0.1:${gateway.port}/anthropic`,
    openai: `http://127.0.0.1:${gateway.port}/v1`,
    model, simulator,
    counted: async (pattern, count) => {
      const deadline = performance.now() + MAX_RECORDING_DELAY_MS;
      for (;;) {
        const lines = (await gateway.metrics.registry.metrics()).split('\n').filter((line) => pattern.test(line) && valueOf(line) > 0);
        if (lines.reduce((sum, line) => sum + valueOf(line), 0) >= count || performance.now() > deadline) return lines;
        await setTimeout(RECORDING_POLL_MS);
      }
    },
  };
  try {
    await play(stage);
  } finally {
    await gateway.close();
    await simulator?.close();
  }
}

function simulated(origin: string, { anthropic_native: native, ...sections }: NonNullable<DemoStageOptions['sections']>): GatewayConfig {
  return gatewayConfigSchema.parse({ prices: [SIMULATED_PRICE], ...sections, anthropic_native: { base_url: origin, api_key: 'simulated-key', ...native } });
}

/** The stage is private: loopback, a free port, no clients to authenticate. */
function withOwnPort(config: GatewayConfig): GatewayConfig {
  const { tls: _tls, ...server } = config.server;
  return { ...config, clients: [], identity: { issuers: [] }, policies: [], server: { ...server, host: '127.0.0.1', port: 0, allowed_hosts: [] } };
}

/** The value at the end of a line of the exposition. */
function valueOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}
