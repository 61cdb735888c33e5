import { Buffer } from 'node:buffer';
import { respond } from '@penstock/inbound-server';
import { GatewayError } from '../request/gateway-error.ts';
import { decodeSegment } from './check-models.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { MODEL_TEMPLATE, type NativeRoute } from './route-table.ts';
import type { GroupedUpstreams } from './upstreams/native-upstreams.ts';

/** Models of a page where the request names no number, and the most that it may name (https://docs.anthropic.com/en/api/models-list). */
const DEFAULT_PAGE = 20;
const LONGEST_PAGE = 1_000;
/** The API gives the epoch where it does not know when a model was released. */
const UNKNOWN_DATE = '1970-01-01T00:00:00Z';

/**
 * Answers a request for models where the upstream that serves them has other names for them: with the names that clients use, as far as they are open
 * to the caller. `undefined` where the upstream's own answer is right.
 */
export function answerModels(runtime: NativeRuntime, exchange: NativeExchange, route: NativeRoute): Promise<void> | undefined {
  const upstreams = runtime.group?.current;
  if (route.group !== 'models' || upstreams?.modelMaps?.has(upstreams.stateful) !== true) return undefined;
  return answer(runtime, exchange, route.template === MODEL_TEMPLATE ? oneModel(upstreams, exchange) : pageOf(openModels(upstreams, exchange), exchange.inbound.query));
}

async function answer(runtime: NativeRuntime, exchange: NativeExchange, content: object): Promise<void> {
  const { inbound } = exchange;
  const closing = runtime.lifecycle.isLeaving ? ['connection', 'close'] : [];
  exchange.status = 200;
  exchange.outcome = 'ok';
  exchange.responseBytes = await respond(inbound.request, inbound.response, {
    status: 200, body: Buffer.from(JSON.stringify(content)),
    headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'x-penstock-request-id', inbound.id, ...inbound.responseFields, ...closing],
  });
}

/** The names in all maps, in the order of the configuration; a caller whose models are not restricted may use all of them. */
function openModels({ modelMaps, byName }: GroupedUpstreams, { rules }: NativeExchange): readonly string[] {
  const names = new Set([...modelMaps ?? []].flatMap(([upstream, map]) => [...map.keys()].filter((model) => byName.get(upstream)?.serves(model) === true)));
  return [...names].filter((model) => rules?.allowsModel(model) !== false);
}

function oneModel(upstreams: GroupedUpstreams, exchange: NativeExchange): object {
  const { path } = exchange.inbound;
  const model = decodeSegment(path.slice(path.lastIndexOf('/') + 1));
  if (!openModels(upstreams, exchange).includes(model)) throw new GatewayError('not_found', 'No upstream of this gateway serves this model.');
  return describe(model);
}

function describe(model: string): object {
  return { type: 'model', id: model, display_name: model, created_at: UNKNOWN_DATE };
}

/** A page before or after a model, as the API makes it. */
function pageOf(models: readonly string[], query: string): object {
  const parameters = new URLSearchParams(query);
  const limit = Number(parameters.get('limit') ?? DEFAULT_PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > LONGEST_PAGE) throw new GatewayError('bad_request', `limit must be an integer from 1 to ${LONGEST_PAGE}.`);
  const [after, before] = [placeOf(models, parameters.get('after_id')), placeOf(models, parameters.get('before_id'))];
  const rest = models.slice(after === undefined ? 0 : after + 1, before);
  const page = before === undefined ? rest.slice(0, limit) : rest.slice(-limit);
  return { data: page.map(describe), has_more: page.length < rest.length, first_id: page[0] ?? null, last_id: page.at(-1) ?? null };
}

function placeOf(models: readonly string[], model: string | null): number | undefined {
  if (model === null) return undefined;
  const place = models.indexOf(model);
  if (place === -1) throw new GatewayError('bad_request', 'after_id and before_id must name a model of this list.');
  return place;
}
