import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_MODEL } from '../wire/request-bodies.ts';
import { claudeGateway } from './claude-gateway.ts';
import type { Contender, ContenderEnvironment, RunningContender } from './contender.ts';
import { installBifrost, installLiteLlm, installNodePeers } from './install-peers.ts';
import { freePort, startProgram } from './start-program.ts';

const MESSAGES = { path: '/v1/messages', fields: [] } as const;

const FASTIFY_PROGRAM = `
import Fastify from 'fastify';
import proxy from '@fastify/http-proxy';
const [port, upstream] = process.argv.slice(2);
const server = Fastify({ bodyLimit: 64 * 1024 * 1024 });
server.register(proxy, { upstream, undici: { connections: 20000, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 } });
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 8192 });
`;

const HTTPXY_PROGRAM = `
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'httpxy';
const [port, target] = process.argv.slice(2);
const proxy = createProxyServer({ target, agent: new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1000 }) });
proxy.on('error', () => undefined);
createServer((request, response) => { proxy.web(request, response).catch(() => response.destroy()); })
  .listen({ port: Number(port), host: '127.0.0.1', backlog: 8192 });
`;

/** A relay library in a small program of its own, set up for speed: kept connections, no log. */
function library(name: string, program: string, description: string): Contender {
  return {
    name, description, isPeer: true,
    prepare: async () => { await installNodePeers(); },
    async start(environment) {
      const port = await freePort();
      // Inside the folder of the install, where its imports are found.
      const path = join(await installNodePeers(), `${name.replaceAll(/\W+/g, '-')}.mjs`);
      writeFileSync(path, program);
      const started = await startProgram([process.execPath, ...environment.nodeFlags, path, String(port), environment.upstreamOrigin], port, environment);
      return { ...started, port, native: MESSAGES, chat: undefined };
    },
  };
}

const portkey: Contender = {
  name: 'Portkey',
  description: '@portkey-ai/gateway, its own start command, Anthropic as provider at the bench upstream, headless',
  isPeer: true,
  prepare: async () => { await installNodePeers(); },
  async start(environment) {
    const port = await freePort();
    const program = join(await installNodePeers(), 'node_modules/@portkey-ai/gateway/build/start-server.js');
    const started = await startProgram([process.execPath, ...environment.nodeFlags, program, `--port=${port}`, '--headless'], port, environment);
    const fields = ['x-portkey-provider', 'anthropic', 'x-portkey-custom-host', `${environment.upstreamOrigin}/v1`, 'authorization', 'Bearer bench'];
    return { ...started, port, native: { path: '/v1/messages', fields }, chat: { path: '/v1/chat/completions', fields } };
  },
};

const liteLlm: Contender = {
  name: 'LiteLLM',
  description: 'litellm[proxy] from PyPI, one worker, its Anthropic pass-through and its chat completions',
  isPeer: true,
  prepare: async () => { await installLiteLlm(); },
  async start(environment) {
    const port = await freePort();
    writeFileSync(join(environment.folder, 'config.yaml'), `
model_list:
  - model_name: ${BENCH_MODEL}
    litellm_params: { model: anthropic/${BENCH_MODEL}, api_key: sk-ant-api03-bench, api_base: "${environment.upstreamOrigin}" }
`);
    const command = [join(await installLiteLlm(), 'bin', 'litellm'), '--config', join(environment.folder, 'config.yaml'), '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'];
    const variables = { ANTHROPIC_API_BASE: environment.upstreamOrigin, ANTHROPIC_API_KEY: 'sk-ant-api03-bench', LITELLM_LOG: 'ERROR', LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true' };
    const started = await startProgram(command, port, environment, { variables, timeoutMs: 90_000 });
    return { ...started, port, native: { path: '/anthropic/v1/messages', fields: [] }, chat: { path: '/v1/chat/completions', fields: ['authorization', 'Bearer bench'] } };
  },
};

const bifrost: Contender = {
  name: 'Bifrost',
  description: 'bifrost-http, built from its Go module, Anthropic as provider at the bench upstream',
  isPeer: true,
  prepare: async () => { await installBifrost(); },
  start: startBifrost,
};

async function startBifrost(environment: ContenderEnvironment): Promise<RunningContender> {
  const port = await freePort();
  writeFileSync(join(environment.folder, 'config.json'), JSON.stringify({
    providers: { anthropic: { keys: [{ value: 'sk-ant-api03-bench', models: [], weight: 1 }], network_config: { base_url: environment.upstreamOrigin } } },
  }));
  const command = [join(await installBifrost(), 'bifrost-http'), '-app-dir', environment.folder, '-port', String(port), '-host', '127.0.0.1'];
  const started = await startProgram(command, port, environment);
  return { ...started, port, native: { path: '/anthropic/v1/messages', fields: [] }, chat: { path: '/v1/chat/completions', fields: [] } };
}

/** The peers in the order in which they are reported. */
export const PEERS: readonly Contender[] = [
  library('@fastify/http-proxy', FASTIFY_PROGRAM, 'Fastify and @fastify/http-proxy on undici, kept connections, no log'),
  library('httpxy', HTTPXY_PROGRAM, 'httpxy on node:http, kept connections, no log'),
  claudeGateway, portkey, liteLlm, bifrost,
];
