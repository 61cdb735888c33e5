import type { Envelope } from '@penstock/json-envelope';
import { describeClosedModel } from '../access/clients/describe-closed-model.ts';
import { checkNamedModels } from '../pipe/check-named-models.ts';
import { GatewayError } from '../request/gateway-error.ts';
import type { NativeExchange } from './native-exchange.ts';

/**
 * Refuses a request that names a model which is not open to this client. A client without model rules is not looked at: what
 * models exist is the API's business. With rules, a model that cannot be read is refused.
 */
export function checkModels(exchange: NativeExchange, envelope: Envelope): void {
  const rules = exchange.rules;
  if (rules === undefined || !rules.restrictsModels) return;
  const isMessages = exchange.route?.group === 'messages';
  if (isMessages && envelope.members.get('model') === undefined) throw new GatewayError('bad_request', 'The request body has no readable "model".');
  checkNamedModels(rules, envelope);
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
