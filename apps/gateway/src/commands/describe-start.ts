import { configuredClouds, type CloudSide } from '../config/configured-clouds.ts';
import { nativeUpstreams, ONLY_UPSTREAM, servesNative } from '../config/native-upstreams.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { isLoopbackHost } from '../config/loopback.ts';
import { lineToTry } from './line-to-try.ts';

/** What is known once the gateway listens. */
export interface StartFacts {
  readonly port: number;
  readonly operationsPort: number;
  readonly workers: number;
  readonly config: GatewayConfig;
  readonly simulates: boolean;
  /** Whether a key of the API is configured, although the simulator answers. */
  readonly hasKey: boolean;
  readonly warnings: readonly string[];
}

const CLOUD_TITLES: Readonly<Record<CloudSide, string>> = { bedrock: 'Bedrock', vertex: 'Vertex AI' };

/** The text of a start: the listeners, the upstream, and one command to try. */
export function describeStart({ port, operationsPort, workers, config, simulates, hasKey, warnings }: StartFacts): string {
  const scheme = config.server.tls === undefined ? 'http' : 'https';
  const host = printable(config.server.host);
  const base = `${scheme}://${host}:${port}`;
  const lines = [
    `Penstock is ready on ${base}${workers > 1 ? ` (${workers} workers)` : ''}`,
    ...(servesNative(config) ? [`  Anthropic API   ${base}/anthropic`] : []),
    ...(config.openai_front_door.enabled ? [`  OpenAI API      ${base}/v1`] : []),
    ...configuredClouds(config).map(({ name }) => `  ${CLOUD_TITLES[name].padEnd(15)} ${base}/${name}`),
    ...describePage(config, operationsPort),
    `  metrics         http://${printable(config.operations.host)}:${operationsPort}/metrics`,
    simulates
      ? `  upstream        THE BUILT-IN SIMULATOR: answers are made up and cost nothing. ${hasKey ? 'Start without --simulate' : 'Set ANTHROPIC_API_KEY'} to use the real API.`
      : `  upstream        ${describeUpstreams(config)}`,
    ...(simulates ? ['  costs           are simulated, too: models with a name of Claude count at their list price, sim-* at 0; nothing is billed.'] : []),
    ...warnings.map((warning) => `  warning         ${warning}`),
    'Try it:',
    `  ${lineToTry(base, config)}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** The origin of the only upstream, or each by its name; those of clouds where there is no native side. */
function describeUpstreams(config: GatewayConfig): string {
  const upstreams = servesNative(config) ? nativeUpstreams(config).map(({ name, base_url: base }) => ({ name, base })) : configuredClouds(config).map(({ name, baseUrl: base }) => ({ name, base }));
  return upstreams.map(({ name, base }) => (name === ONLY_UPSTREAM ? '' : `${name} `) + new URL(base).origin).join(', ');
}

/** Where the live page is, or what opens it. */
function describePage({ operations: { host, page, token } }: GatewayConfig, port: number): readonly string[] {
  if (!page) return [];
  const isOpen = token !== undefined || isLoopbackHost(host);
  return [`  live page       ${isOpen ? `http://${printable(host)}:${port}/` : 'closed on this address until operations.token is set'}`];
}

function printable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
