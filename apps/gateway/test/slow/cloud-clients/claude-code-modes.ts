import type { SignedRequest } from '@penstock/test-support';
import { BEDROCK, FOUNDRY, GOOGLE, KEYS, MANTLE, PLATFORM_AWS, PROJECT, REGION, signed, TOKEN, VERTEX, withField, type CloudPlace } from './cloud-places.ts';

/** Claude Code in the mode of one cloud. */
export interface ClaudeCodeMode {
  readonly name: string;
  readonly place: CloudPlace;
  /** What a gateway admits the client by. Absent: it sends its signature only, and the gateway admits every request. */
  readonly key?: string;
  /** Whether the format is the cloud's, not the API's. */
  readonly hasOwnFormat: boolean;
  readonly environment: (origin: string) => Readonly<Record<string, string>>;
  /** The settings of docs/clouds.md, where they differ. */
  readonly throughGateway?: (origin: string) => Readonly<Record<string, string>>;
  readonly verify: (request: SignedRequest) => string | undefined;
  /** A request that asks for a message, as far as its path shows. */
  readonly asks: RegExp;
}

const AWS = { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey, AWS_EC2_METADATA_DISABLED: 'true' };
/** Without a model the client asks the cloud which it has, one request for each. */
const model = (name: string): Readonly<Record<string, string>> => ({ ANTHROPIC_MODEL: name, ANTHROPIC_SMALL_FAST_MODEL: name });

/** The modes of 2.1, each with the credential that its cloud wants. */
export const CLAUDE_CODE_MODES: readonly ClaudeCodeMode[] = [
  {
    name: 'Amazon Bedrock', place: BEDROCK, hasOwnFormat: true, key: TOKEN, verify: signed('bedrock'), asks: /^\/model\/[^/]+\/invoke/,
    environment: (origin) => ({ CLAUDE_CODE_USE_BEDROCK: '1', ANTHROPIC_BEDROCK_BASE_URL: origin, ...AWS, ...model('us.anthropic.claude-haiku-4-5-20251001-v1:0') }),
    throughGateway: (origin) => ({
      CLAUDE_CODE_USE_BEDROCK: '1', ANTHROPIC_BEDROCK_BASE_URL: origin, AWS_REGION: REGION, CLAUDE_CODE_SKIP_BEDROCK_AUTH: '1', ANTHROPIC_AUTH_TOKEN: TOKEN,
      ...model('us.anthropic.claude-haiku-4-5-20251001-v1:0'),
    }),
  },
  {
    name: 'Vertex AI', place: VERTEX, hasOwnFormat: true, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`), asks: /:(?:streamRawPredict|rawPredict)$/,
    environment: (origin) => ({
      CLAUDE_CODE_USE_VERTEX: '1', ANTHROPIC_VERTEX_BASE_URL: `${origin}/v1`, CLOUD_ML_REGION: 'global', ANTHROPIC_VERTEX_PROJECT_ID: PROJECT,
      CLAUDE_CODE_SKIP_VERTEX_AUTH: '1', ANTHROPIC_AUTH_TOKEN: TOKEN, ...model('claude-haiku-4-5@20251001'),
    }),
  },
  {
    name: 'Microsoft Foundry', place: FOUNDRY, hasOwnFormat: false, key: TOKEN, verify: withField('x-api-key', TOKEN), asks: /^\/anthropic\/v1\/messages/,
    environment: (origin) => ({ CLAUDE_CODE_USE_FOUNDRY: '1', ANTHROPIC_FOUNDRY_BASE_URL: `${origin}/anthropic`, ANTHROPIC_FOUNDRY_API_KEY: TOKEN, ...model('claude-haiku-4-5') }),
  },
  {
    name: 'Amazon Bedrock Mantle', place: MANTLE, hasOwnFormat: false, verify: signed('bedrock-mantle'), asks: /^\/anthropic\/v1\/messages/,
    environment: (origin) => ({ CLAUDE_CODE_USE_MANTLE: '1', ANTHROPIC_BEDROCK_MANTLE_BASE_URL: `${origin}/anthropic`, ...AWS, ...model('anthropic.claude-haiku-4-5') }),
  },
  {
    name: 'Claude Platform on AWS', place: PLATFORM_AWS, hasOwnFormat: false, verify: signed('aws-external-anthropic'), asks: /^\/v1\/messages/,
    environment: (origin) => ({ CLAUDE_CODE_USE_ANTHROPIC_AWS: '1', ANTHROPIC_AWS_BASE_URL: origin, ANTHROPIC_AWS_WORKSPACE_ID: 'wrkspc_1', ...AWS, ...model('claude-haiku-4-5') }),
  },
  {
    name: 'Claude Platform on Google Cloud', place: GOOGLE, hasOwnFormat: false, key: TOKEN, verify: withField('authorization', `Bearer ${TOKEN}`), asks: /^\/v1\/messages/,
    environment: (origin) => ({
      CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD: '1', ANTHROPIC_GOOGLE_CLOUD_BASE_URL: origin, ANTHROPIC_GOOGLE_CLOUD_PROJECT: PROJECT, ANTHROPIC_GOOGLE_CLOUD_LOCATION: 'global',
      ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID: 'wrkspc_1', CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH: '1', ANTHROPIC_AUTH_TOKEN: TOKEN, ...model('claude-haiku-4-5'),
    }),
  },
];
