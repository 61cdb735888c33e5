import type { Envelope, MemberValue } from '@penstock/json-envelope';
import { describeClosedModel } from '../access/clients/describe-closed-model.ts';
import type { ClientRules } from '../access/clients/client-rules.ts';
import { GatewayError } from '../request/gateway-error.ts';

/** Where a request may name a model: its own, the fallbacks of a refusal, and the advisor tool's. */
const MODEL_MEMBERS = ['model', 'fallbacks[].model', 'fallbacks[]', 'tools[].model'];

/** Refuses a body that names a model which is not open to its client, in any of these places; what cannot be read could be any. */
export function checkNamedModels(rules: ClientRules, envelope: Envelope): void {
  for (const member of MODEL_MEMBERS) {
    // What was not kept was not read: the model in its place could be any.
    if (envelope.overflowed.includes(member)) throw new GatewayError('bad_request', `The request body names too many models in "${member}".`);
    for (const value of envelope.members.get(member) ?? []) checkModel(rules, member, value);
  }
}

function checkModel(rules: ClientRules, member: string, value: MemberValue): void {
  // An object in `fallbacks` names its model in a member of its own.
  if (member === 'fallbacks[]' && value.kind === 'object') return;
  if (value.kind !== 'string') throw new GatewayError('bad_request', `The request body has no readable "${member}".`);
  if (!rules.allowsModel(value.value)) throw new GatewayError('model_not_open', describeClosedModel(value.value, rules.openModels));
}
