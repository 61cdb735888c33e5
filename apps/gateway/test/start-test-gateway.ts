import { pino } from 'pino';
import { gatewayConfigSchema } from '../src/config/gateway-config.ts';
import { sumOf } from './observe/metrics/exposition.ts';
import { createGateway, type Gateway } from '../src/create-gateway.ts';
import type { GatewayOptions } from '../src/gateway-options.ts';

/** A configuration document as far as a test cares. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

/** A gateway that runs in the test's own process. */
export interface TestGateway extends Gateway {
  readonly origin: string;
  /** Base URL of the native side. */
  readonly anthropic: string;
  /** Log entries so far. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
  /** The value of one series, by its exposition line without the value; 0 when absent, an error when its metric has other labels or does not exist. */
  series(line: string): Promise<number>;
  /** The sum of all series of a metric that have the labels of a line; an error when there is none. */
  sum(line: string): Promise<number>;
  /** Resolves when `count` requests have been recorded on a side; they are recorded just after the client saw their end. */
  recorded(count: number): Promise<Readonly<Record<string, unknown>>[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The key that the gateway injects in tests; it must never reach a client. */
export const TEST_KEY = 'sk-ant-api03-test-key-of-the-gateway';

/** Starts a gateway in front of `upstreamOrigin` on a free loopback port. */
export async function startTestGateway(upstreamOrigin: string, document: ConfigDocument = {}, overrides: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const native = { base_url: upstreamOrigin, api_key: TEST_KEY, ...sectionOf(document, 'anthropic_native') };
  const server = { port: 0, ...sectionOf(document, 'server') };
  const config = gatewayConfigSchema.parse({ ...document, anthropic_native: native, server });
  const logged: Record<string, unknown>[] = [];
  const waiters = new Set<() => void>();
  const logger = pino({ level: 'info', base: null }, {
    write: (line: string) => {
      logged.push(JSON.parse(line) as Record<string, unknown>);
      for (const waiter of waiters) waiter();
    },
  });
  const gateway = await createGateway({ config, processLogger: { logger, flush: () => Promise.resolve(true) }, version: '0.0.0-test', viaPseudonym: 'penstock-test', ...overrides });
  const origin = `http://127.0.0.1:${gateway.port}`;
  const requests = (): Record<string, unknown>[] => logged.filter(({ msg }) => msg === 'request');
  return {
    ...gateway,
    origin,
    anthropic: `${origin}/anthropic`,
    logged,
    async series(line) {
      const text = await gateway.metrics.registry.metrics();
      const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
      if (found !== undefined) return Number(found.slice(line.length + 1));
      checkExists(text, line);
      return 0;
    },
    async sum(line) {
      const [name = '', labels = ''] = line.replace('}', '').split('{');
      const sum = sumOf(await gateway.metrics.registry.metrics(), name, Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label = '', value = '']) => [label, value])));
      if (sum === undefined) throw new Error(`there is no series ${line}`);
      return sum;
    },
    recorded: (count) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited for ${count} requests, ${requests().length} were recorded`)), 45_000);
      const check = (): void => {
        if (requests().length < count) return;
        clearTimeout(timer);
        waiters.delete(check);
        resolve(requests());
      };
      waiters.add(check);
      check();
    }),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

function sectionOf(document: ConfigDocument, name: string): Record<string, unknown> {
  return (document[name] ?? {}) as Record<string, unknown>;
}

/** An expected 0 must not come from a misspelt name or from labels that the metric does not have. */
function checkExists(text: string, line: string): void {
  const [name = ''] = line.split('{');
  const labelNames = (series: string): string => [...series.matchAll(/[{,](\w+)="/g)].map(([, label]) => label).join();
  const [other] = text.split('\n').filter((candidate) => candidate.startsWith(`${name}{`) || candidate.startsWith(`${name} `));
  if (!text.includes(`# TYPE ${name} `)) throw new Error(`there is no metric ${name}`);
  if (other !== undefined && labelNames(other) !== labelNames(line)) throw new Error(`${name} has the labels of ${other}`);
}
