import { GatewayError } from '../../request/gateway-error.ts';
import { noUpstream } from '../../pipe/classify-failure.ts';
import type { NativeExchange } from '../native-exchange.ts';
import type { NativeRoute } from '../route-table.ts';
import type { MappedModel, ModelMap } from './model-map.ts';
import type { GroupedUpstreams } from './native-upstreams.ts';

const BATCHES = 'Batches cannot be created at this gateway: its upstream for them has other names for models, and those in a batch are not replaced.';
const UNREADABLE = 'The request body has no readable "model", by which this gateway chooses an upstream.';

/** The upstream's own name of the model of a request; `undefined` where it has none, or where the request is not one in which a name is replaced. */
export function mappedModel({ requestedModel, modelPlace }: NativeExchange, map: ModelMap | undefined): MappedModel | undefined {
  if (map === undefined || requestedModel === undefined || modelPlace?.span === undefined || modelPlace.furtherModels !== undefined) return undefined;
  return map.get(requestedModel);
}

/**
 * Refuses a request that no upstream may take because those that would serve its model have another name for it, and it cannot be put into this body.
 * `only` is the one upstream that may serve what refers to the state of an account.
 */
export function checkModelMaps({ modelMaps, byName }: GroupedUpstreams, exchange: NativeExchange, route: NativeRoute, only: string | undefined): void {
  if (modelMaps === undefined) return;
  if (route.body !== 'json') {
    if (only !== undefined && modelMaps.has(only) && route.group === 'batches' && route.isSpentLater && exchange.inbound.method === 'POST') throw new GatewayError('bad_request', BATCHES);
    return;
  }
  const { requestedModel: model, modelPlace } = exchange;
  const candidates = [...byName.values()].filter(({ name }) => only === undefined || name === only);
  // The one upstream of an account's state serves what its `models` do not list, too.
  if (candidates.some((upstream) => !modelMaps.has(upstream.name) && (only !== undefined || upstream.serves(model)))) return;
  if (model === undefined) throw new GatewayError('bad_request', UNREADABLE);
  if (!candidates.some((upstream) => modelMaps.get(upstream.name)?.has(model) === true && upstream.serves(model))) throw noUpstream();
  if (modelPlace?.isCompressed === true) {
    throw new GatewayError('unsupported_media_type', 'The upstreams of this model have another name for it, which cannot be put into a compressed body: send the body without content-encoding.', { acceptEncoding: 'identity' });
  }
  if (modelPlace?.furtherModels !== undefined) {
    throw new GatewayError('bad_request', `The upstreams of this model have other names for models, and those in "${modelPlace.furtherModels}" are not replaced: leave that member out.`);
  }
}
