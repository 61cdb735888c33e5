import { matchesGlob } from '../access/clients/matches-glob.ts';
import { configuredClouds, type CloudSide } from '../config/configured-clouds.ts';
import { nativeUpstreams, ONLY_UPSTREAM } from '../config/native-upstreams.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { isLoopbackHost } from '../config/loopback.ts';

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

const USUAL_MODEL = 'claude-haiku-4-5';
const CLOUD_TITLES: Readonly<Record<CloudSide, string>> = { bedrock: 'Bedrock', vertex: 'Vertex AI' };

/** The text of a start: the listeners, the upstream, and one command to try. */
export function describeStart({ port, operationsPort, workers, config, simulates, hasKey, warnings }: StartFacts): string {
  const scheme = config.server.tls === undefined ? 'http' : 'https';
  const host = printable(config.server.host);
  const base = `${scheme}://${host}:${port}`;
  const lines = [
    `Penstock is ready on ${base}${workers > 1 ? ` (${workers} workers)` : ''}`,
    `  Anthropic API   ${base}/anthropic`,
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
    `  ${tryLine(base, config)}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** The origin of the only upstream, or each by its name. */
function describeUpstreams(config: GatewayConfig): string {
  return nativeUpstreams(config).map(({ name, base_url: base }) => (name === ONLY_UPSTREAM ? '' : `${name} `) + new URL(base).origin).join(', ');
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

function tryLine(base: string, config: GatewayConfig): string {
  const forwards = config.anthropic_native.credentials === 'forward';
  // Under `forward` x-api-key is the client's own, and the gateway's key stands beside it.
  const clientKey = config.clients.length > 0 ? ` -H '${forwards ? 'x-penstock-key' : 'x-api-key'}: YOUR_CLIENT_KEY'` : '';
  const key = clientKey + (forwards ? ' -H "x-api-key: $YOUR_ANTHROPIC_KEY"' : '');
  const body = `{"model":"${servedModel(config)}","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Say hello"}]}`;
  return `curl -N ${base}/anthropic/v1/messages -H 'content-type: application/json'${key} -d '${body}'`;
}

/** A model to try: the usual one where an upstream serves it, else one that an upstream has another name for. */
function servedModel(config: GatewayConfig): string {
  const upstreams = nativeUpstreams(config);
  const isServed = upstreams.some(({ models, model_map: map }) => (Object.keys(map).length === 0 ? models.some((pattern) => matchesGlob(pattern, USUAL_MODEL)) : Object.hasOwn(map, USUAL_MODEL)));
  // It stands in a command line: a name with other characters is left out.
  const mapped = upstreams.flatMap(({ model_map: map }) => Object.keys(map)).find((model) => /^[\w.:@/-]+$/.test(model));
  return isServed ? USUAL_MODEL : mapped ?? USUAL_MODEL;
}
