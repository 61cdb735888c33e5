import { AnthropicAws } from '@anthropic-ai/aws-sdk';
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk';
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk';
import type Anthropic from '@anthropic-ai/sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { BedrockRuntimeClient, CountTokensCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { SignedRequest } from '@penstock/test-support';
import { BEDROCK, FOUNDRY, KEYS, MANTLE, PLATFORM_AWS, PROJECT, REGION, signed, TOKEN, VERTEX, withField, type CloudPlace } from './cloud-places.ts';

/** What a program got of one call. */
export type CallAnswer = Readonly<Record<string, unknown>>;

/** The calls that are compared; a client without one of them lacks it in its cloud, too. */
export interface CloudCalls {
  readonly ask: () => Promise<CallAnswer>;
  readonly stream: () => Promise<CallAnswer>;
  readonly count?: () => Promise<CallAnswer>;
}

/** An official client of a cloud, with a credential of that cloud. */
export interface CloudClient {
  readonly name: string;
  /** How the gateway reaches the cloud of this client, and where it serves the client. */
  readonly place: CloudPlace;
  /** What a gateway admits the client by. Absent: it sends its signature only, and the gateway admits every request. */
  readonly key?: string;
  readonly open: (origin: string) => CloudCalls;
  /** What is wrong with the credential of a request. */
  readonly verify: (request: SignedRequest) => string | undefined;
}

const QUESTION = { max_tokens: 300, messages: [{ role: 'user' as const, content: 'How much water?' }] };
const SDK_OPTIONS = { maxRetries: 0, timeout: 60_000, apiKey: null } as const;
const AWS_KEYS = { awsAccessKey: KEYS.accessKeyId, awsRegion: REGION } as const;

/** What is compared of a message, streamed or not. */
function read({ content, model, stop_reason: stopReason, usage }: Anthropic.Message): CallAnswer {
  return { content, model, stopReason, input: usage.input_tokens, output: usage.output_tokens };
}

/** The calls of a client made on Anthropic's SDK. */
function sdkCalls(messages: Pick<Anthropic['messages'], 'create' | 'stream' | 'countTokens'>, model: string): CloudCalls {
  return {
    ask: async () => read(await messages.create({ model, ...QUESTION })),
    stream: async () => read(await messages.stream({ model, ...QUESTION }).finalMessage()),
    count: async () => ({ ...await messages.countTokens({ model, messages: QUESTION.messages }) }),
  };
}

/** The calls of AWS's own client, which knows nothing of Anthropic's events. Its default handler speaks HTTP/2 without negotiation, which is for AWS alone. */
function awsCalls(origin: string, credential: Pick<BedrockRuntimeClientConfig, 'credentials' | 'token' | 'authSchemePreference'>): CloudCalls {
  const client = new BedrockRuntimeClient({ region: REGION, endpoint: origin, ...credential, maxAttempts: 1, requestHandler: new NodeHttpHandler() });
  const modelId = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
  const body = JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', ...QUESTION });
  return {
    ask: async () => read(JSON.parse(Buffer.from((await client.send(new InvokeModelCommand({ modelId, body, contentType: 'application/json' }))).body).toString('utf8')) as Anthropic.Message),
    stream: async () => {
      const events: Anthropic.RawMessageStreamEvent[] = [];
      const { body: chunks } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, body, contentType: 'application/json' }));
      for await (const { chunk } of chunks ?? []) events.push(JSON.parse(Buffer.from(chunk?.bytes ?? []).toString('utf8')) as Anthropic.RawMessageStreamEvent);
      return foldText(events);
    },
    count: async () => ({ inputTokens: (await client.send(new CountTokensCommand({ modelId, input: { invokeModel: { body: Buffer.from(body) } } }))).inputTokens }),
  };
}

/** The message of text that a stream's events make. */
function foldText(events: readonly Anthropic.RawMessageStreamEvent[]): CallAnswer {
  const start = events.find((event) => event.type === 'message_start');
  const end = events.find((event) => event.type === 'message_delta');
  const text = events.map((event) => (event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '')).join('');
  return { content: [{ type: 'text', text }], model: start?.message.model, stopReason: end?.delta.stop_reason, input: end?.usage.input_tokens, output: end?.usage.output_tokens };
}

/** What the client asks of google-auth-library: the header of a token. */
const AUTH_CLIENT = { projectId: PROJECT, getRequestHeaders: () => Promise.resolve(new Headers({ authorization: `Bearer ${TOKEN}` })) } as unknown as NonNullable<ConstructorParameters<typeof AnthropicVertex>[0]>['authClient'];

const BEDROCK_MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const MODEL = 'claude-haiku-4-5-20251001';

/** Every official client, in each way in which it authenticates with a key or token of its cloud. */
export const CLOUD_CLIENTS: readonly CloudClient[] = [
  {
    name: '@anthropic-ai/bedrock-sdk, AnthropicBedrock, signed', place: BEDROCK, verify: signed('bedrock'),
    open: (origin) => withoutCounting(sdkCalls(new AnthropicBedrock({ ...SDK_OPTIONS, ...AWS_KEYS, awsSecretKey: KEYS.secretAccessKey, baseURL: origin }).messages as Anthropic['messages'], BEDROCK_MODEL)),
  },
  {
    name: '@anthropic-ai/bedrock-sdk, AnthropicBedrock, API key', place: BEDROCK, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`),
    open: (origin) => withoutCounting(sdkCalls(new AnthropicBedrock({ ...SDK_OPTIONS, awsRegion: REGION, apiKey: TOKEN, baseURL: origin }).messages as Anthropic['messages'], BEDROCK_MODEL)),
  },
  {
    name: '@anthropic-ai/bedrock-sdk, AnthropicBedrockMantle, signed', place: MANTLE, verify: signed('bedrock-mantle'),
    open: (origin) => sdkCalls(new AnthropicBedrockMantle({ ...SDK_OPTIONS, ...AWS_KEYS, awsSecretAccessKey: KEYS.secretAccessKey, baseURL: `${origin}/anthropic` }).messages, MODEL),
  },
  { name: '@aws-sdk/client-bedrock-runtime, signed', place: BEDROCK, verify: signed('bedrock'), open: (origin) => awsCalls(origin, { credentials: KEYS }) },
  {
    name: '@aws-sdk/client-bedrock-runtime, API key', place: BEDROCK, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`),
    open: (origin) => awsCalls(origin, { token: { token: TOKEN }, authSchemePreference: ['httpBearerAuth'] }),
  },
  {
    name: '@anthropic-ai/aws-sdk, signed', place: PLATFORM_AWS, verify: signed('aws-external-anthropic'),
    open: (origin) => sdkCalls(new AnthropicAws({ ...SDK_OPTIONS, ...AWS_KEYS, awsSecretAccessKey: KEYS.secretAccessKey, workspaceId: 'wrkspc_1', baseURL: origin }).messages, MODEL),
  },
  {
    name: '@anthropic-ai/vertex-sdk', place: VERTEX, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`),
    open: (origin) => sdkCalls(new AnthropicVertex({ maxRetries: 0, region: 'global', projectId: PROJECT, authClient: AUTH_CLIENT, baseURL: `${origin}/v1` }).messages, 'claude-haiku-4-5@20251001'),
  },
  {
    name: '@anthropic-ai/foundry-sdk, API key', place: FOUNDRY, key: TOKEN, verify: withField('x-api-key', TOKEN),
    open: (origin) => sdkCalls(new AnthropicFoundry({ maxRetries: 0, apiKey: TOKEN, baseURL: `${origin}/anthropic` }).messages, MODEL),
  },
  {
    name: '@anthropic-ai/foundry-sdk, Entra token', place: FOUNDRY, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`),
    open: (origin) => sdkCalls(new AnthropicFoundry({ maxRetries: 0, azureADTokenProvider: () => Promise.resolve(TOKEN), baseURL: `${origin}/anthropic` }).messages, MODEL),
  },
];

/** This client refuses to count. */
function withoutCounting({ ask, stream }: CloudCalls): CloudCalls {
  return { ask, stream };
}
