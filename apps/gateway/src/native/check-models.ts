import type { Envelope, MemberValue } from '@penstock/json-envelope';
import { describeClosedModel } from '../access/clients/describe-closed-model.ts';
import type { ClientRules } from '../access/clients/client-rules.ts';
import { GatewayError } from '../request/gateway-error.ts';
import type { NativeExchange } from './native-exchange.ts';

/** Where a request may name a model: its own, the fallbacks of a refusal, and the advisor tool's. */
const MODEL_MEMBERS = ['model', 'fallbacks[].model', 'fallbacks[]', 'tools[].model'];

/**
 * Refuses a request that names a model which is not open to this client. A client without model rules is not looked at: what
 * models exist is the API's business. With rules, a model that cannot be read is refused.
 */
export function checkModels(exchange: NativeExchange, envelope: Envelope): void {
  const rules = exchange.rules;
  if (rules === undefined || !rules.restrictsModels) return;
  const isMessages = exchange.route?.group === 'messages';
  if (isMessages && envelope.members.get('model') === undefined) throw new GatewayError('bad_request', 'The request body has no readable "model".');
  for (const member of MODEL_MEMBERS) {
    // What was not kept was not read: the model in its place could be any.
    if (envelope.overflowed.includes(member)) throw new GatewayError('bad_request', `The request body names too many models in "${member}".`);
    for (const value of envelope.members.get(member) ?? []) checkModel(rules, member, value);
  }
}

/** The same for a model that is asked for by its path: what does not exist for this caller is not found. */
export function checkModelPath({ rules, inbound }: NativeExchange): void {
  if (rules === undefined || !rules.restrictsModels) return;
  const model = decodeSegment(inbound.path.slice(inbound.path.lastIndexOf('/') + 1));
  if (!rules.allowsModel(model)) throw new GatewayError('model_not_open', describeClosedModel(model, rules.openModels));
}

/** A segment of a path as text. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new GatewayError('bad_request', 'The name of the model in the path cannot be read.');
  }
}

function checkModel(rules: ClientRules, member: string, value: MemberValue): void {
  // An object in `fallbacks` names its model in a member of its own.
  if (member === 'fallbacks[]' && value.kind === 'object') return;
  if (value.kind !== 'string') throw new GatewayError('bad_request', `The request body has no readable "${member}".`);
  if (!rules.allowsModel(value.value)) throw new GatewayError('model_not_open', describeClosedModel(value.value, rules.openModels));
}
