import { validateMessagesRequest } from '@penstock/anthropic-simulator';
import { BUILT_IN_MODEL_CAPABILITIES, capabilitiesOf, FrontDoorError, translateRequest, translateResponseRequest } from '@penstock/openai-front-door';
import { assert, boolean, constantFrom, property, record } from 'fast-check';
// The package's own generator of requests, so that there is one; here it meets the validator of another package.
import { chatRequest } from '../../../../packages/openai-front-door/test/support/request-generator.ts';
import { responseRequest } from '../../../../packages/openai-front-door/test/support/response-request-generator.ts';

/** Models of every kind that the registry tells apart, and names that it does not know. */
export const GENERATED_MODELS = [
  'claude-3-haiku-20240307', 'claude-3-7-sonnet-latest', 'claude-opus-4-1', 'claude-sonnet-4-5', 'claude-opus-4-5', 'claude-opus-4-6', 'claude-opus-4-7', 'claude-opus-4-8',
  'claude-sonnet-5', 'claude-opus-5', 'claude-fable-5-2', 'claude-haiku-5-5', 'claude-sonnet-5-5', 'claude-opus-5-5', 'claude-opus-9', 'sim-text',
] as const;

/** The requests of each protocol, and their translation. */
const PROTOCOLS = { chats: [chatRequest, translateRequest], responses: [responseRequest, translateResponseRequest] } as const;

/** The protocols, by what their requests ask for. */
export const GENERATED_PROTOCOLS: readonly (keyof typeof PROTOCOLS)[] = ['chats', 'responses'];

/** How the requests ended, by model. */
export interface GeneratedTally {
  readonly accepted: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
}

/**
 * Translates `runs` generated requests of a protocol: each becomes a Messages request that the simulator takes, as the API would, or a 400 that names its `param`.
 * Throws for the first that does neither, with its translation.
 */
export function translateGenerated(protocol: keyof typeof PROTOCOLS, runs: number, seed: number): GeneratedTally {
  const [requests, translate] = PROTOCOLS[protocol];
  const accepted = new Map<string, number>();
  const refused = new Map<string, number>();
  const count = (tally: Map<string, number>, model: string): void => { tally.set(model, (tally.get(model) ?? 0) + 1); };
  const switches = record({ isInline: boolean(), ignoresJsonObject: boolean(), reasoningContent: boolean() });
  assert(property(requests, constantFrom(...GENERATED_MODELS), switches, (request, model, { isInline, ignoresJsonObject, reasoningContent }) => {
    const capabilities = capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, model);
    const settings = {
      upstreamModel: model, capabilities, defaultMaxTokens: capabilities.maxOutputTokens ?? 8192, reasoningContent,
      laterSystemMessages: isInline ? 'inline' as const : 'hoist' as const, jsonObjectFormat: ignoresJsonObject ? 'ignore' as const : 'reject' as const,
    };
    let body: string;
    let betas: readonly string[];
    try {
      ({ body, betas } = translate(JSON.parse(JSON.stringify(request)) as Parameters<typeof translateRequest>[0], settings));
    } catch (error) {
      if (!(error instanceof FrontDoorError) || error.status !== 400 || error.param === undefined) throw error;
      count(refused, model);
      return;
    }
    const failure = validateMessagesRequest(JSON.parse(body), { 'anthropic-beta': betas.join(',') });
    if (failure !== undefined) throw new Error(`the API would refuse the translation: ${failure.message}\n${body}`);
    count(accepted, model);
  }), { numRuns: runs, seed });
  return { accepted, refused };
}
