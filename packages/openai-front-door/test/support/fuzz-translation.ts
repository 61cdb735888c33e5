import * as fc from 'fast-check';
import { BUILT_IN_MODEL_CAPABILITIES, capabilitiesOf, FrontDoorError, translateRequest } from '../../src/index.ts';
import { parseJsonRequest } from '../../src/json/parse-json-request.ts';
import { translateResponseRequest } from '../../src/responses/translate-response-request.ts';
import { validateMessagesRequest } from './messages-validator.ts';
import { chatRequest } from './request-generator.ts';
import { responseRequest } from './response-request-generator.ts';
import { PERMISSIVE, settings } from './translate.ts';

const MODELS = ['permissive', 'claude-sonnet-4-5', 'claude-opus-4-6', 'claude-opus-4-8', 'claude-opus-5', 'claude-sonnet-5', 'claude-sonnet-5-5', 'claude-opus-5-5', 'claude-3-haiku-20240307', 'claude-unheard-of'];

/** How the generated requests ended. */
export interface FuzzTally {
  translated: number;
  refused: number;
  /** How often each `param`, its numbers left out, was named. */
  readonly params: Map<string, number>;
}

/** The requests of each protocol, and their translation. */
const PROTOCOLS = { chat: [chatRequest, translateRequest], responses: [responseRequest, translateResponseRequest] } as const;

/** A protocol whose requests are generated. */
export type FuzzedProtocol = keyof typeof PROTOCOLS;

/** Translates `runs` generated requests: each gives a valid Messages request or a 400 that names `param`, and gives it again. */
export function fuzzTranslation(protocol: FuzzedProtocol, runs: number, seed: number): FuzzTally {
  const [requests, translate] = PROTOCOLS[protocol];
  const tally: FuzzTally = { translated: 0, refused: 0, params: new Map() };
  fc.assert(fc.property(requests, fc.constantFrom(...MODELS), fc.boolean(), (request, model, inline) => {
    const bytes = Buffer.from(JSON.stringify(request));
    const given = settings({ capabilities: model === 'permissive' ? PERMISSIVE : capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, model), laterSystemMessages: inline ? 'inline' : 'hoist' });
    try {
      const { body } = translate(parseJsonRequest(bytes), given);
      validateMessagesRequest(JSON.parse(body));
      if (translate(parseJsonRequest(bytes), given).body !== body) throw new Error('the same request gave other bytes');
      tally.translated += 1;
    } catch (error) {
      if (!(error instanceof FrontDoorError) || error.status !== 400 || error.param === undefined) throw error;
      const param = error.param.replaceAll(/\d+/g, 'i');
      tally.refused += 1;
      tally.params.set(param, (tally.params.get(param) ?? 0) + 1);
    }
  }), { numRuns: runs, seed });
  return tally;
}
