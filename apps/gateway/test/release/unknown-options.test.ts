import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { startSimulator } from '@penstock/anthropic-simulator';
import { createBatchResultsObserver, createUsageObserver } from '@penstock/anthropic-usage';
import { createClaudeCodeGateway, createNodeListener } from '@penstock/claude-code-gateway';
import { createAwsCredential, createCommandCredential, createEntraCredential, createGoogleCredential } from '@penstock/cloud-credentials';
import { createFastCounter, createFastHistogram } from '@penstock/fast-metrics';
import { anthropicHeaderRules, createHeaderPolicy, extendHeaderRules } from '@penstock/header-policy';
import { createInboundServer } from '@penstock/inbound-server';
import { createEnvelopeScanner } from '@penstock/json-envelope';
import { createOpenAiFrontDoor } from '@penstock/openai-front-door';
import { createProxyHandler, fastifyProxy } from '@penstock/proxy';
import { createEventObserver, createFrameObserver, createRelayHandler } from '@penstock/sse-relay';
import { createUpstreamClient, proxyFromEnvironment, retry } from '@penstock/upstream-client';
import { createUpstreamGroup } from '@penstock/upstream-group';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { createGateway, createLogger, createOperationsHandler, loadConfig, startOperationsServer } from '../../src/index.ts';

/** Calls a function as plain JavaScript does. */
const call = (make: (options: never) => unknown, options: object): unknown => make(options as never);
const gateway = { config: {}, processLogger: { logger: {} }, version: '1', viaPseudonym: 'x' };
const response = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

test.each<[name: string, nearest: string, error: string, make: () => unknown]>([
  ['anthropic-simulator', 'pacing', 'SimulatorError', () => call(startSimulator, { pacings: {} })],
  ['anthropic-usage', 'maxEventBytes', 'UsageOptionError', () => call(createUsageObserver, { maxEventByte: 1 })],
  ['anthropic-usage, results of batches', 'maxLineBytes', 'UsageOptionError', () => call(createBatchResultsObserver, { onResult: () => undefined, maxLineByte: 1 })],
  ['claude-code-gateway', 'publicUrl', 'ClaudeCodeGatewayError', () => call(createClaudeCodeGateway, { publicURL_: 'https://x' })],
  ['cloud-credentials', 'region', 'CloudCredentialError', () => call(createAwsCredential, { regin: 'us-east-1', service: 'bedrock' })],
  ['fast-metrics, counter', 'labelNames', 'FastMetricsError', () => createFastCounter(new Registry(), { name: 'a', help: 'b', labelName: [] } as never)],
  ['fast-metrics, histogram', 'buckets', 'FastMetricsError', () => createFastHistogram(new Registry(), { name: 'a', help: 'b', labelNames: [], bucket: [] } as never)],
  ['header-policy', 'allowRequest', 'HeaderPolicyError', () => call(createHeaderPolicy, { allowRequests: [] })],
  ['header-policy, extension', 'denyRequest', 'HeaderPolicyError', () => extendHeaderRules(anthropicHeaderRules, { denyRequst: [] } as never)],
  ['inbound-server', 'maxConnections', 'InboundServerError', () => call(createInboundServer, { onRequest: () => undefined, maxConnection: 1 })],
  ['json-envelope', 'maxBytes', 'EnvelopeOptionError', () => call(createEnvelopeScanner, { maxByte: 1 })],
  ['openai-front-door', 'backends', 'FrontDoorOptionsError', () => call(createOpenAiFrontDoor, { backend: {}, backends: {}, models: [] })],
  ['openai-front-door, one that is needed', 'models', 'FrontDoorOptionsError', () => call(createOpenAiFrontDoor, { backends: {}, modles: [] })],
  ['openai-front-door, hooks', 'onRequestRead', 'FrontDoorOptionsError', () => call(createOpenAiFrontDoor, { backends: {}, models: [], hooks: { onRequestReads: () => undefined } })],
  ['proxy', 'upstream', 'ProxyError', () => call(createProxyHandler, { upstreams: {} })],
  ['sse-relay', 'clientStallMs', 'RelayError', () => createRelayHandler(response(), { onHead: () => undefined, onSettled: () => undefined, clientStall: 1 } as never)],
  ['upstream-client', 'origin', 'UpstreamOptionError', () => call(createUpstreamClient, { orgin: 'http://127.0.0.1' })],
  ['sse-relay, events', 'onError', 'ObserverError', () => call(createEventObserver, { events: ['message_stop'], onEvent: () => undefined, onErrors: () => undefined })],
  ['sse-relay, frames', 'onFrame', 'ObserverError', () => call(createFrameObserver, { onFrames: () => undefined })],
  ['claude-code-gateway, listener', 'authenticate', 'ClaudeCodeGatewayError', () => call(createNodeListener, { gateway: {}, authenticat: () => undefined })],
  ['upstream-client, pool', 'maxConnections', 'UpstreamOptionError', () => call(createUpstreamClient, { origin: 'http://127.0.0.1', pool: { maxConnection: 1 } })],
  ['upstream-client, retry', 'maxRetries', 'UpstreamOptionError', () => call(retry, { maxRetry: 1 })],
  ['gateway', 'viaPseudonym', 'GatewayOptionError', () => call(createGateway, { config: {}, viaPseudonim: 'x' })],
  ['gateway, configuration', 'workingDirectory', 'GatewayOptionError', () => call(loadConfig, { argv: {}, environment: {}, workingDir_ectry: '.' })],
  ['gateway, one that may be absent', 'keyTiming', 'GatewayOptionError', () => call(createGateway, { ...gateway, keyTimng: {} })],
  ['gateway, a section of its configuration', 'server', 'GatewayOptionError', () => call(createGateway, { ...gateway, config: { ...gateway.config, servr: {} } })],
  ['gateway, configuration, one that may be absent', 'simulate', 'GatewayOptionError', () => call(loadConfig, { argv: {}, environment: {}, workingDirectory: '.', simulat: true })],
  ['gateway, logger', 'format', 'GatewayOptionError', () => createLogger({ level: 'info', destination: 'stdout', format: 'json', formt: 'line' } as never, 'json', () => undefined)],
  ['gateway, operations', 'allowedHosts', 'GatewayOptionError', () => call(createOperationsHandler, { allowedHost: [] })],
  ['gateway, listener of operations', 'warnings', 'GatewayOptionError', () => call(startOperationsServer, { host: '127.0.0.1', warning: () => ({}) })],
  ['upstream-group', 'members', 'UpstreamGroupError', () => call(createUpstreamGroup, { member: [], members: [] })],
  ['upstream-group, member', 'weight', 'UpstreamGroupError', () => call(createUpstreamGroup, { members: [{ name: 'a', client: {}, weights: 1 }] })],
  ['upstream-metrics', 'clients', 'UpstreamMetricsError', () => call(registerUpstreamMetrics, { registry: new Registry(), client: {} })],
])('%s: an option that does not exist is refused in plain JavaScript too, with the nearest name (%s) and a coded error', async (_name, nearest, error, make) => {
  let thrown: unknown;
  try {
    await make();
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toMatchObject({ name: error, message: expect.stringContaining(`is not an option; did you mean ${nearest}?`) as string });
  if (error !== 'FrontDoorOptionsError') expect((thrown as { code?: string }).code).toMatch(/^(?:unknown_option|invalid_rules|invalid_options)$/);
});

const counter = { name: 'requests_total', help: 'Requests' };
const operations = { host: '127.0.0.1', allowedHosts: [], lifecycle: {}, scrape: () => undefined, warnings: () => ({}) };
const aws = { region: 'us-east-1', service: 'bedrock' };
const proxied = { upstream: { dispatch: () => true }, policy: { forwardRequestHeaders: () => undefined } };
const WHOLE = gatewayConfigSchema.parse({ anthropic_native: { api_key: 'k' } });
const signIn = { publicUrl: 'https://claude.example', sessionKeys: [], provider: {}, database: {} };

test.each<[what: string, error: string, message: RegExp, make: () => unknown]>([
  ['the simulator has a port that does not exist', 'SimulatorError', /^port must be at most 65535, received 99999$/, () => startSimulator({ port: 99_999 })],
  ['the front door has neither backends nor models', 'FrontDoorOptionsError', /backends must be given.*models must be given/s, () => call(createOpenAiFrontDoor, {})],
  ['an event observer has no names', 'ObserverError', /^events must be a list of names$/, () => call(createEventObserver, { event: ['message_stop'], onEvent: () => undefined })],
  ['an event observer has no callback', 'ObserverError', /^onEvent must be a function, received undefined$/, () => call(createEventObserver, { events: ['message_stop'] })],
  ['a frame observer has no callback', 'ObserverError', /^onFrame must be a function, received undefined$/, () => call(createFrameObserver, {})],
  ['results of batches go nowhere', 'UsageOptionError', /^onResult must be a function, received undefined$/, () => call(createBatchResultsObserver, {})],
  ['a sign-in has no database', 'ClaudeCodeGatewayError', /^database must be an object, received undefined$/, () => call(createClaudeCodeGateway, { ...signIn, database: undefined })],
  ['a listener for the sign-in authenticates nothing', 'ClaudeCodeGatewayError', /^authenticate must be a function, received a string$/, () => call(createNodeListener, { gateway: {}, authenticate: 'x' })],
  ['a signature has no region', 'CloudCredentialError', /^region must be a string, received undefined$/, () => call(createAwsCredential, { service: 'bedrock' })],
  ['a command is a line for a shell', 'CloudCredentialError', /^command must be a list, received a string$/, () => call(createCommandCredential, { command: '/bin/print-token' })],
  ['a counter has no registry', 'FastMetricsError', /^registry must be an object, received undefined$/, () => createFastCounter(undefined as never, counter)],
  ['a counter has no help', 'FastMetricsError', /^help must be a string, received undefined$/, () => createFastCounter(new Registry(), { name: 'requests_total' } as never)],
  ['a counter has a name that Prometheus refuses', 'FastMetricsError', /^Invalid metric name/, () => createFastCounter(new Registry(), { ...counter, name: 'a-b' })],
  ['a histogram has no buckets', 'FastMetricsError', /^buckets must be a list, received undefined$/, () => createFastHistogram(new Registry(), { ...counter, labelNames: [] } as never)],
  ['an extension is no list', 'HeaderPolicyError', /^denyRequest must be a list, received a string$/, () => extendHeaderRules(anthropicHeaderRules, { denyRequest: 'baggage' } as never)],
  ['an extension has no rules', 'HeaderPolicyError', /^rules must be an object, received undefined$/, () => extendHeaderRules(undefined as never, {})],
  ['a server has no listener', 'InboundServerError', /^onRequest must be a function, received undefined$/, () => call(createInboundServer, {})],
  ['a proxy for Fastify is made from options', 'ProxyError', /^fastifyProxy takes the handler that createProxyHandler returned$/, () => call(fastifyProxy, { upstream: {} })],
  ['the pool of a client is a number', 'UpstreamOptionError', /^pool must be an object, received a number$/, () => call(createUpstreamClient, { origin: 'http://127.0.0.1', pool: 5 })],
  ['a client has no origin', 'UpstreamOptionError', /^origin must be an http: or https: origin/, () => call(createUpstreamClient, {})],
  ['a proxy is looked for without an origin', 'UpstreamOptionError', /^origin must be a URL$/, () => proxyFromEnvironment({}, undefined as never)],
  ['a group has no members', 'UpstreamGroupError', /^members must be a list, received undefined$/, () => call(createUpstreamGroup, {})],
  ['a member has no client', 'UpstreamGroupError', /^members\[0\]\.client must be an object, received undefined$/, () => call(createUpstreamGroup, { members: [{ name: 'a' }] })],
  ['metrics have no registry', 'UpstreamMetricsError', /^registry must be an object, received undefined$/, () => call(registerUpstreamMetrics, {})],
  ['what metrics are of is no client', 'UpstreamMetricsError', /^"api" is no client of an upstream: stats must be a function, received undefined$/, () => call(registerUpstreamMetrics, { registry: new Registry(), clients: { api: {} } })],
  ['a gateway has no logger', 'GatewayOptionError', /^processLogger must be an object, received undefined$/, () => call(createGateway, { config: {}, version: '1', viaPseudonym: 'x' })],
  ['a gateway has a configuration that is not whole', 'GatewayOptionError', /^config\.server must be an object, received undefined$/, () => call(createGateway, gateway)],
  ['the usage of a response goes to a list', 'UsageOptionError', /^onUsage must be a function, received a list$/, () => call(createUsageObserver, { onUsage: [] })],
  ['an event has a length that is a text', 'UsageOptionError', /^maxEventBytes must be a number, received a string$/, () => call(createUsageObserver, { maxEventBytes: '1' })],
  ['a signature has a clock that is a number', 'CloudCredentialError', /^now must be a function, received a number$/, () => call(createAwsCredential, { region: 'us-east-1', service: 'bedrock', now: 5 })],
  ['a signature has a source that is null', 'CloudCredentialError', /^source must be an object, received null$/, () => call(createAwsCredential, { region: 'us-east-1', service: 'bedrock', source: null })],
  ['the status of a command goes to an object', 'CloudCredentialError', /^onStatus must be a function, received an object$/, () => call(createCommandCredential, { command: ['/bin/print-token'], onStatus: {} })],
  ['a token of Google comes from a number', 'CloudCredentialError', /^credentialsFile must be a string, received a number$/, () => call(createGoogleCredential, { credentialsFile: 5 })],
  ['a token of Entra is sent by an object', 'CloudCredentialError', /^send must be a function, received an object$/, () => call(createEntraCredential, { send: {} })],
  ['a section of a gateway\'s configuration is empty', 'GatewayOptionError', /^config\.server\.host must be a string, received undefined$/, () => call(createGateway, { ...gateway, config: { ...WHOLE, server: {} } })],
  ['a section of a gateway\'s configuration has a member that is a text', 'GatewayOptionError', /^config\.anthropic_native\.timeouts must be an object, received a string$/, () => call(createGateway, { ...gateway, config: { ...WHOLE, anthropic_native: { ...WHOLE.anthropic_native, timeouts: '5' } } })],
  ['a simulator has a port that is a text', 'SimulatorError', /^port must be a number, received a string$/, () => call(startSimulator, { port: '80' })],
  ['a simulator has keys that are a text', 'SimulatorError', /^apiKeys must be a list, received a string$/, () => call(startSimulator, { apiKeys: 'key' })],
  ['a simulator has a pace that is a number', 'SimulatorError', /^pacing must be an object, received a number$/, () => call(startSimulator, { pacing: 5 })],
  ['rules of a policy are a text', 'HeaderPolicyError', /^denyRequest must be a list, received a string$/, () => call(createHeaderPolicy, { ...anthropicHeaderRules, denyRequest: 'baggage' })],
  ['a policy has no list of what may cross', 'HeaderPolicyError', /^allowRequest must be a list, received undefined$/, () => call(createHeaderPolicy, {})],
  ['attempts are a text', 'UpstreamOptionError', /^maxRetries must be a number, received a string$/, () => call(retry, { maxRetries: '3' })],
  ['methods that are sent again are a text', 'UpstreamOptionError', /^methods must be a list, received a string$/, () => call(retry, { methods: 'GET' })],
  ['the proxy to token servers is a number', 'CloudCredentialError', /^network\.proxy must be a string, received a number$/, () => call(createAwsCredential, { ...aws, network: { proxy: 5 } })],
  ['an authority of token servers is a list', 'CloudCredentialError', /^network\.ca must be a string, received a list$/, () => call(createGoogleCredential, { network: { ca: [] } })],
  ['a member of the network does not exist', 'CloudCredentialError', /^network\.prox is not an option; did you mean proxy\?$/, () => call(createEntraCredential, { network: { prox: 'http://x' } })],
  ['hooks of a front door are a list', 'FrontDoorOptionsError', /hooks must be an object, received a list/, () => call(createOpenAiFrontDoor, { backends: {}, models: [], hooks: [] })],
  ['a hook of a front door is a text', 'FrontDoorOptionsError', /hooks\.requestId must be a function, received a string/, () => call(createOpenAiFrontDoor, { backends: {}, models: [], hooks: { requestId: 'x' } })],
  ['models of a front door are an object', 'FrontDoorOptionsError', /models must be a list, received an object/, () => call(createOpenAiFrontDoor, { backends: {}, models: {} })],
  ['a hook of a proxy is a text', 'ProxyError', /^hooks\.onHead must be a function, received a string$/, () => call(createProxyHandler, { ...proxied, hooks: { onHead: 'x' } })],
  ['a clock of a proxy is a text', 'ProxyError', /^relay\.clientStallMs must be a number, received a string$/, () => call(createProxyHandler, { ...proxied, relay: { clientStallMs: '5' } })],
  ['a relay has no head', 'RelayError', /^onHead must be a function, received undefined$/, () => createRelayHandler(response(), { onSettled: () => undefined } as never)],
  ['an observer of a relay is a function', 'RelayError', /^observer must be an object, received a function$/, () => createRelayHandler(response(), { onHead: () => undefined, onSettled: () => undefined, observer: () => undefined } as never)],
  ['places of an envelope are asked for by a text', 'EnvelopeOptionError', /^spans must be a boolean, received a string$/, () => call(createEnvelopeScanner, { spans: 'yes' })],
  ['a gateway has shorter clocks that are a number', 'GatewayOptionError', /^keyTiming must be an object, received a number$/, () => call(createGateway, { ...gateway, keyTiming: 5 })],
  ['a gateway shares notes with a list', 'GatewayOptionError', /^shareNote must be a function, received a list$/, () => call(createGateway, { ...gateway, shareNote: [] })],
  ['a configuration is read for a simulator that is a text', 'GatewayOptionError', /^simulate must be a boolean, received a string$/, () => call(loadConfig, { argv: {}, environment: {}, workingDirectory: '.', simulate: 'yes' })],
  ['a configuration is read nowhere', 'GatewayOptionError', /^workingDirectory must be a string, received undefined$/, () => call(loadConfig, { argv: {}, environment: {} })],
  ['a logger has no level', 'GatewayOptionError', /^level must be a string, received undefined$/, () => createLogger({} as never, 'json', () => undefined)],
  ['the operations have no metrics', 'GatewayOptionError', /^scrape must be a function, received undefined$/, () => call(createOperationsHandler, { ...operations, scrape: undefined })],
  ['the operations have no port', 'GatewayOptionError', /^port must be a number, received undefined$/, () => call(startOperationsServer, operations)],
])('%s: the error names the option', async (_what, error, message, make) => {
  let thrown: unknown;
  try {
    await make();
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toMatchObject({ name: error, message: expect.stringMatching(message) as string });
});

test.each<[what: string, error: string, make: (options: undefined) => unknown]>([
  ['startSimulator', 'SimulatorError', () => call(startSimulator, null as never)],
  ['createUsageObserver', 'UsageOptionError', () => call(createUsageObserver, null as never)],
  ['createBatchResultsObserver', 'UsageOptionError', (options) => createBatchResultsObserver(options as never)],
  ['createClaudeCodeGateway', 'ClaudeCodeGatewayError', (options) => createClaudeCodeGateway(options as never)],
  ['createNodeListener', 'ClaudeCodeGatewayError', (options) => createNodeListener(options as never)],
  ['createAwsCredential', 'CloudCredentialError', (options) => createAwsCredential(options as never)],
  ['createCommandCredential', 'CloudCredentialError', (options) => createCommandCredential(options as never)],
  ['createFastCounter', 'FastMetricsError', (options) => createFastCounter(new Registry(), options as never)],
  ['createFastHistogram', 'FastMetricsError', (options) => createFastHistogram(new Registry(), options as never)],
  ['createHeaderPolicy', 'HeaderPolicyError', (options) => createHeaderPolicy(options as never)],
  ['extendHeaderRules', 'HeaderPolicyError', (options) => extendHeaderRules(anthropicHeaderRules, options as never)],
  ['createInboundServer', 'InboundServerError', (options) => createInboundServer(options as never)],
  ['createEnvelopeScanner', 'EnvelopeOptionError', () => call(createEnvelopeScanner, null as never)],
  ['createOpenAiFrontDoor', 'FrontDoorOptionsError', (options) => createOpenAiFrontDoor(options as never)],
  ['createProxyHandler', 'ProxyError', (options) => createProxyHandler(options as never)],
  ['createEventObserver', 'ObserverError', (options) => createEventObserver(options as never)],
  ['createFrameObserver', 'ObserverError', (options) => createFrameObserver(options as never)],
  ['createRelayHandler', 'RelayError', (options) => createRelayHandler(response(), options as never)],
  ['createUpstreamClient', 'UpstreamOptionError', (options) => createUpstreamClient(options as never)],
  ['retry', 'UpstreamOptionError', () => call(retry, null as never)],
  ['createUpstreamGroup', 'UpstreamGroupError', (options) => createUpstreamGroup(options as never)],
  ['registerUpstreamMetrics', 'UpstreamMetricsError', (options) => registerUpstreamMetrics(options as never)],
  ['createGateway', 'GatewayOptionError', (options) => createGateway(options as never)],
  ['loadConfig', 'GatewayOptionError', (options) => loadConfig(options as never)],
  ['createLogger', 'GatewayOptionError', (options) => createLogger(options as never, 'json', () => undefined)],
  ['createOperationsHandler', 'GatewayOptionError', (options) => createOperationsHandler(options as never)],
  ['startOperationsServer', 'GatewayOptionError', (options) => startOperationsServer(options as never)],
])('%s without options is refused by a %s with a code', async (_what, error, make) => {
  let thrown: unknown;
  try {
    await make(undefined);
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toMatchObject({ name: error, code: expect.stringMatching(/^(?:unknown_option|invalid_options?|invalid_rules)$/) as string });
});

test.each([false, true])('a metric that is made twice in one registry is refused with a code, and the first goes on counting (plain: %s)', async (plain) => {
  const registry = new Registry();
  const kept = createFastCounter(registry, { ...counter, plain });
  kept.series({}).value += 1;
  const histogram = { name: 'seconds', help: 'Seconds', labelNames: [], buckets: [1], plain };
  createFastHistogram(registry, histogram).series({}).observe(1);
  for (const make of [() => createFastCounter(registry, { ...counter, plain }), () => createFastHistogram(registry, histogram)]) {
    expect(make).toThrow(expect.objectContaining({ name: 'FastMetricsError', code: 'already_registered', message: expect.stringMatching(/^the registry has a metric named (?:requests_total|seconds) already/) as string }));
  }
  expect(await registry.metrics()).toMatch(/^requests_total 1$[^]*^seconds_count 1$/m);
});

