import { Buffer } from 'node:buffer';
import type { ConfiguredCloud } from '../config/configured-clouds.ts';
import type { EffectiveUpstream } from '../config/native-upstreams.ts';

/**
 * A request for the number of tokens of one word: what each cloud answers without a charge.
 * Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html, https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens,
 * https://docs.anthropic.com/en/api/messages-count-tokens.
 */
export interface CountRequest {
  /** Behind the path of the cloud's `base_url`. */
  readonly path: string;
  readonly model: string;
  /** Whether the configuration names the model; else it is one that many accounts have. */
  readonly isListed: boolean;
  readonly body: Buffer;
}

/** A model that is asked about where none is listed, by kind or side. */
const USUAL_MODELS: Readonly<Record<EffectiveUpstream['kind'] | ConfiguredCloud['name'], string>> = {
  anthropic: 'claude-haiku-4-5', claude_platform_aws: 'claude-haiku-4-5', bedrock_mantle: 'anthropic.claude-haiku-4-5', foundry: 'claude-haiku-4-5', google: 'claude-haiku-4-5',
  bedrock: 'anthropic.claude-haiku-4-5-20251001-v1:0', vertex: 'claude-haiku-4-5@20251001',
};

const MESSAGES = [{ role: 'user', content: 'Hi' }];

/** What an upstream is asked whose wire is Anthropic's own. */
export function nativeCount({ kind, models, model_map: map }: EffectiveUpstream): CountRequest {
  const listed = Object.values(map)[0] ?? models.find(isName);
  const model = listed ?? USUAL_MODELS[kind];
  return { path: '/v1/messages/count_tokens', model, isListed: listed !== undefined, body: json({ model, messages: MESSAGES }) };
}

/** What a cloud is asked in its own format. */
export function cloudCount({ name, config, ...cloud }: ConfiguredCloud): CountRequest {
  const listed = config.models?.find((model) => isName(model) && !model.startsWith('arn:'));
  // Bedrock counts for models, not for the profiles of regions that stand before them.
  const model = (name === 'bedrock' ? listed?.replace(/^[a-z-]+\.(?=anthropic\.)/, '') : listed) ?? USUAL_MODELS[name];
  const isListed = listed !== undefined;
  if (name === 'bedrock') {
    const invoked = json({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 1, messages: MESSAGES });
    return { path: `/model/${encodeURIComponent(model)}/count-tokens`, model, isListed, body: json({ input: { invokeModel: { body: invoked.toString('base64') } } }) };
  }
  const project = 'project_id' in config ? String(config.project_id) : '';
  return { path: `/v1/projects/${project}/locations/${cloud.region}/publishers/anthropic/models/count-tokens:rawPredict`, model, isListed, body: json({ model, messages: MESSAGES }) };
}

function isName(pattern: string): boolean {
  return !pattern.includes('*');
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
