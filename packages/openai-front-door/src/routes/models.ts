import type { AnthropicBackend, BackendResponse } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';
import { translateResponseHeaders } from '../messages-core/response-headers.ts';
import { anthropicRequest } from './anthropic-request.ts';
import { answerJson, answerUpstreamError } from './answer-upstream.ts';
import type { Exchange } from './exchange.ts';
import { codexModel } from '../models/codex-models.ts';
import { modelNotFound } from '../models/model-map.ts';
import { aliasObject, convertModel, type ModelObject } from '../models/model-object.ts';
import { backendEntries, isAnthropic, openAiBackends, resolveModel, type FrontDoor, type NamedBackend } from './front-door.ts';
import { gatherBody } from './gather-body.ts';
import { sendAndAnswer } from './outbound.ts';
import { relayOutbound } from './relay.ts';
import { relayRequestHeaders } from '../relay/relay-headers.ts';

/** An upstream's refusal in the middle of a list: answered as it stands. */
class RefusedPage extends Error {
  readonly response: BackendResponse;

  constructor(response: BackendResponse) {
    super('the upstream refused');
    this.response = response;
  }
}

/** One list that is being made, of all backends at once. */
interface Listing {
  readonly frontDoor: FrontDoor;
  readonly exchange: Exchange;
  /** Aborted when the list goes out, which ends the calls to backends that are still waited for. */
  readonly signal: AbortSignal;
}

function unreadable(cause?: unknown): FrontDoorError {
  return new FrontDoorError('upstream_invalid', 'The upstream gave a list of models that cannot be read.', { cause });
}

function requireModelObject(value: unknown, id?: string): ModelObject {
  const converted = convertModel(value, id);
  if (converted === undefined) throw unreadable();
  return converted;
}

async function readJson(frontDoor: FrontDoor, response: BackendResponse): Promise<JsonObject> {
  if (response.status !== 200) throw new RefusedPage(response);
  const text = (await gatherBody(response.body, frontDoor.limits.maxModelPageBytes)).toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw unreadable(error);
  }
  throw unreadable();
}

async function listAnthropic(listing: Listing, { name, backend }: NamedBackend<AnthropicBackend>): Promise<readonly ModelObject[]> {
  const { frontDoor, exchange, signal } = listing;
  const models: ModelObject[] = [];
  let path = '/v1/models?limit=1000';
  for (let page = 0; page < frontDoor.limits.maxModelPages; page += 1) {
    const request = anthropicRequest(exchange.ctx, backend, { method: 'GET', path, body: null, responseKind: 'quick' });
    const { data, has_more: hasMore, last_id: lastId } = await readJson(frontDoor, await exchange.send(name, backend, request, signal));
    if (!Array.isArray(data) || models.length + data.length > frontDoor.limits.maxModels) throw unreadable();
    models.push(...data.map((model: unknown) => requireModelObject(model)));
    if (hasMore !== true || typeof lastId !== 'string') break;
    path = `/v1/models?limit=1000&after_id=${encodeURIComponent(lastId)}`;
  }
  return models;
}

async function listOpenAi({ frontDoor, exchange, signal }: Listing, { name, backend }: NamedBackend): Promise<readonly ModelObject[]> {
  const headers = relayRequestHeaders(exchange.ctx.req, false);
  const response = await exchange.send(name, backend, { method: 'GET', path: '/v1/models', headers, body: null, responseKind: 'quick' }, signal);
  const { data } = await readJson(frontDoor, response);
  if (!Array.isArray(data) || data.length > frontDoor.limits.maxModels || !data.every((model) => isJsonObject(model) && typeof model['id'] === 'string')) throw unreadable();
  return data as readonly ModelObject[];
}

async function listBackend(listing: Listing, entry: NamedBackend): Promise<readonly ModelObject[]> {
  const models = isAnthropic(entry.backend)
    ? await listAnthropic(listing, { ...entry, backend: entry.backend })
    : await listOpenAi(listing, entry);
  // A model that the map sends elsewhere, or renames, is not this one.
  return models.filter((model) => {
    const resolved = listing.frontDoor.models.resolve(model.id);
    return resolved?.backend === entry.name && resolved.upstreamModel === model.id;
  });
}

/** The configured names that no upstream list has, with the date of the model they stand for. */
function aliasObjects(frontDoor: FrontDoor, listed: readonly ModelObject[]): readonly ModelObject[] {
  const byId = new Map(listed.map((model) => [model.id, model]));
  return frontDoor.models.aliases.filter(({ match }) => !byId.has(match)).map(({ match, upstreamModel, backend }) => {
    const ownedBy = frontDoor.backends[backend]?.kind === 'anthropic' ? 'anthropic' : backend;
    return aliasObject(match, ownedBy, byId.get(upstreamModel ?? match));
  });
}

function isListed(frontDoor: FrontDoor, exchange: Exchange, model: string): boolean {
  return frontDoor.hooks.isModelListed?.(exchange.ctx, model) ?? true;
}

async function orUpstreamError(exchange: Exchange, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RefusedPage)) throw error;
    await answerUpstreamError(exchange, error.response);
  }
}

const LEFT_OUT = new FrontDoorError('upstream_timeout', 'The list went out without this backend.');

/** Every backend's list, as far as it came: all of them, or those that answered within the wait. Rejects only when none did. */
async function listBackends(listing: Listing): Promise<ReadonlyMap<string, readonly ModelObject[]>> {
  const { frontDoor } = listing;
  const lists = new Map<string, readonly ModelObject[]>();
  const attempts = backendEntries(frontDoor).map(async (entry) => { lists.set(entry.name, await listBackend(listing, entry)); });
  const all = Promise.allSettled(attempts);
  let timer: NodeJS.Timeout | undefined;
  try {
    // A slow backend that is the only one is waited for as long as its clocks allow.
    const waited = new Promise<void>((resolve) => { timer = setTimeout(resolve, frontDoor.limits.modelsWaitMs); });
    await Promise.race([all, Promise.all([waited, Promise.any(attempts)])]);
  } catch {
    // None answered: `all` knows why.
  } finally {
    clearTimeout(timer);
  }
  if (lists.size > 0) return lists;
  const [failed] = (await all).filter((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return lists;
}

/** Codex's catalogue, where it asks (it names its version) and the operator gave the instructions: they are long, and are repeated for each model. */
function codexCatalogue(frontDoor: FrontDoor, { target }: Exchange, data: readonly ModelObject[]): { readonly models?: readonly JsonObject[] } {
  const { codexInstructions: baseInstructions } = frontDoor;
  if (baseInstructions === undefined || !new URLSearchParams(target.query).has('client_version')) return {};
  const translated = data.flatMap((model) => {
    const resolved = frontDoor.models.resolve(model.id);
    return resolved !== undefined && frontDoor.backends[resolved.backend]?.kind === 'anthropic' ? [{ model, effortLevels: resolved.capabilities.effortLevels }] : [];
  });
  return { models: translated.map(({ model, effortLevels }, index) => codexModel(model, index, { baseInstructions, effortLevels })) };
}

/** `GET /v1/models`: the lists of the backends that answered, in the order of the options, then the configured aliases. `x-penstock-missing-backends` names the others: half a list must not look whole. */
export async function handleListModels(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  const late = new AbortController();
  await orUpstreamError(exchange, async () => {
    const lists = await listBackends({ frontDoor, exchange, signal: late.signal });
    late.abort(LEFT_OUT);
    const names = backendEntries(frontDoor).map(({ name }) => name);
    const missing = names.filter((name) => !lists.has(name));
    const listed = names.flatMap((name) => lists.get(name) ?? []);
    const data = [...listed, ...aliasObjects(frontDoor, listed)].filter((model) => isListed(frontDoor, exchange, model.id));
    exchange.record.outcome = 'ok';
    if (missing.length > 0) exchange.record.missingBackends = missing;
    const headers = missing.length === 0 ? [] : ['x-penstock-missing-backends', missing.join(', ')];
    await answerJson(exchange, 200, [...translateResponseHeaders([], exchange.requestId), ...headers], { object: 'list', data, ...codexCatalogue(frontDoor, exchange, data) });
  }).finally(() => { late.abort(LEFT_OUT); });
}

/** The model id of `/v1/models/{id}`: one segment, decoded once, because ids may hold a slash. */
function requestedModel(exchange: Exchange): string {
  const segment = exchange.target.path.slice('/v1/models/'.length);
  let model: string;
  try {
    model = decodeURIComponent(segment);
  } catch {
    throw modelNotFound(segment);
  }
  // An origin that decodes once more must not be led to another path with our credential.
  if (model.split(/[/\\]/).some((part) => part === '' || part === '.' || part === '..') || model.includes('%')) throw modelNotFound(model);
  return model;
}

/** `GET /v1/models/{id}`. */
export async function handleRetrieveModel(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  const model = requestedModel(exchange);
  const resolved = resolveModel(frontDoor, model);
  if (!isListed(frontDoor, exchange, model)) throw modelNotFound(model);
  const { origin } = resolved;
  if (origin.kind === 'openai') {
    const [to] = openAiBackends(frontDoor).filter((entry) => entry.name === resolved.backend);
    if (to === undefined) throw modelNotFound(model);
    await sendAndAnswer(exchange, Promise.resolve(relayOutbound(frontDoor, exchange, to, { body: null, responseKind: 'quick', spends: false })));
    return;
  }
  await orUpstreamError(exchange, async () => {
    if (resolved.upstreamModel.includes('/')) throw modelNotFound(model);
    const path = `/v1/models/${encodeURIComponent(resolved.upstreamModel)}`;
    const response = await exchange.send(resolved.backend, origin, anthropicRequest(exchange.ctx, origin, { method: 'GET', path, body: null, responseKind: 'quick' }));
    const converted = requireModelObject(await readJson(frontDoor, response), model);
    exchange.record.outcome = 'ok';
    await answerJson(exchange, 200, translateResponseHeaders(response.rawHeaders, exchange.requestId), converted);
  });
}
