import { matchesGlob } from '../access/clients/matches-glob.ts';
import { GatewayError } from '../request/gateway-error.ts';

/** Decodes a model id of a path; throws a `GatewayError` for one that cannot be one. */
export function decodeModel(segment: string, isModel: (id: string) => boolean): string {
  const id = decodeURIComponent(segment);
  if (id.length > MAX_MODEL_LENGTH || !isModel(id)) throw new GatewayError('bad_request', 'The id of the model in the path is not one of a model.');
  return id;
}

/** As the configuration allows; more than an ARN has. */
const MAX_MODEL_LENGTH = 256;

/** Decides whether models are served: by the patterns of the configuration, else by what Anthropic's models are called. */
export function createModelCheck(section: string, patterns: readonly string[] | undefined, isAnthropic: (id: string) => boolean): (id: string) => void {
  const isServed = patterns === undefined ? isAnthropic : (id: string) => patterns.some((pattern) => matchesGlob(pattern, id));
  return (id) => {
    if (!isServed(id)) throw new GatewayError('model_not_open', `The model ${JSON.stringify(id)} is not served here: ${patterns === undefined ? `only Anthropic's models are; ${section}.models adds others, such as ARNs of inference profiles` : `${section}.models of the gateway does not list it`}.`);
  };
}
