import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { startSimulator } from '@penstock/anthropic-simulator';
import { createBatchResultsObserver, createUsageObserver } from '@penstock/anthropic-usage';
import { createClaudeCodeGateway } from '@penstock/claude-code-gateway';
import { createAwsCredential } from '@penstock/cloud-credentials';
import { createFastCounter, createFastHistogram } from '@penstock/fast-metrics';
import { anthropicHeaderRules, createHeaderPolicy, extendHeaderRules } from '@penstock/header-policy';
import { createInboundServer } from '@penstock/inbound-server';
import { createEnvelopeScanner } from '@penstock/json-envelope';
import { createOpenAiFrontDoor } from '@penstock/openai-front-door';
import { createProxyHandler } from '@penstock/proxy';
import { createEventObserver, createRelayHandler } from '@penstock/sse-relay';
import { createUpstreamClient } from '@penstock/upstream-client';
import { createUpstreamGroup } from '@penstock/upstream-group';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';

/** Calls a function as plain JavaScript does. */
const call = (make: (options: never) => unknown, options: object): unknown => make(options as never);
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

test.each<[what: string, error: string, message: RegExp, make: () => unknown]>([
  ['the simulator has a port that does not exist', 'SimulatorError', /^port must be at most 65535, received 99999$/, () => startSimulator({ port: 99_999 })],
  ['the front door has neither backends nor models', 'FrontDoorOptionsError', /backends must be given.*models must be given/s, () => call(createOpenAiFrontDoor, {})],
  ['an event observer has no names', 'ObserverError', /^events must be a list of names$/, () => call(createEventObserver, { event: ['message_stop'], onEvent: () => undefined })],
])('%s: the error names the option', async (_what, error, message, make) => {
  let thrown: unknown;
  try {
    await make();
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toMatchObject({ name: error, message: expect.stringMatching(message) as string });
});
