import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { discardRest, respond } from '@penstock/inbound-server';
import {
  BUILT_IN_MODEL_CAPABILITIES, createOpenAiFrontDoor, DEFAULT_FRONT_DOOR_LIMITS, DEFAULT_MAX_OUTPUT_TOKENS, isFrontDoorError, mergeModelCapabilities, openAiErrorResponse, RELAY_ROUTES,
  UNKNOWN_RELAY_ROUTE, type FrontDoorOptions, type ModelRoute, type OpenAiFrontDoor, type RequestSummary, type SettingNames,
} from '@penstock/openai-front-door';
import type { CreateBodyCheck, UpstreamClient } from '@penstock/upstream-client';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import type { MountedSide } from '../http/create-application.ts';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import { frontDoorBackends, frontDoorModels } from '../config/front-door-backends.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { createByteBudget } from '../body/byte-budget.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { BeginJsonCheck } from '../body/json-check.ts';
import type { RequestEnd, RequestObserver } from '../observe/request-observer.ts';
import { UNMATCHED_ROUTES } from '../request/request-record.ts';
import type { Tracing } from '../observe/trace/tracing.ts';
import { describeUpstream, type Successes, type UpstreamSnapshot } from '../observe/upstreams/upstream-snapshot.ts';
import { admitClient, admitModel, admitSpending, frontDoorCostOf, reserveTokens, type FrontDoorAdmission, type FrontDoorCaller } from './admit-client.ts';
import { createBackend, type FrontDoorBackend } from './create-backend.ts';
import { chargeOf, openSpendingOf, spendingOf, upstreamModelOf } from './front-door-spending.ts';
import { receiveBody, streamBody } from '../body/receive-body.ts';

const CHAT_ROUTE = '/v1/chat/completions';

/** The routes of the front door, as metrics name them; the main one first. */
export const FRONT_DOOR_ROUTES: readonly string[] = [...new Set([CHAT_ROUTE, '/v1/models', '/v1/models/{id}', ...[...RELAY_ROUTES, UNKNOWN_RELAY_ROUTE].map(({ template }) => template), UNMATCHED_ROUTES.front_door])];

const KNOWN_ROUTES: ReadonlySet<string> = new Set(FRONT_DOOR_ROUTES);

/** What messages of the front door call the settings. */
const SETTING_NAMES: SettingNames = { backends: 'openai_front_door.backends', relayGroups: 'openai_front_door.route_groups' };

/** The OpenAI half of the gateway, mounted under `/v1`. It shares no pool, no limit and no error pipeline with the native half. */
export interface FrontDoorSide extends MountedSide {
  /** Its upstream clients, by the name they have in metrics. */
  readonly upstreams: Readonly<Record<string, UpstreamClient>>;
  /** The same at this moment. */
  upstreamStates(): readonly UpstreamSnapshot[];
  /** Takes their latest successes in other workers. */
  noteSuccesses(successes: Successes): void;
  /** Request bytes that are gathered in memory now. */
  bufferedBytes(): number;
  /** Makes what a configuration needs; what it gives back applies that, and does not throw. */
  prepare(config: GatewayConfig): (clients: ClientRegistry) => void;
  /** Ends open responses with an error frame; the drain deadline. */
  interrupt(reason: string): void;
  close(graceMs: number): Promise<void>;
}

/** What the app gives the front door. */
export interface FrontDoorSideOptions extends Omit<FrontDoorAdmission, 'clients' | 'budget'> {
  readonly config: GatewayConfig;
  readonly tracing: Tracing | undefined;
  /** Whether what models write is counted for every caller. */
  readonly measuresOutput: boolean;
  readonly observer: RequestObserver;
  readonly logger: Pick<Logger, 'warn'>;
  /** Decides whether a body that only the end of its connection delimits is whole. */
  readonly closeDelimitedCheck: CreateBodyCheck;
  readonly clients: ClientRegistry;
  /** Checks JSON bodies as they arrive. */
  readonly beginJsonCheck: BeginJsonCheck;
}

/** Makes the front door from a configuration; throws when it cannot be, and the native side serves alone. */
export function createFrontDoorSide(options: FrontDoorSideOptions): FrontDoorSide {
  const { metrics, log, observer, limiter, budgets, lifecycle, tracing } = options;
  const budget = createByteBudget(options.config.openai_front_door.max_buffered_bytes, DEFAULT_FRONT_DOOR_LIMITS.maxRequestBytes);
  let admission: FrontDoorAdmission = { clients: options.clients, limiter, budgets, lifecycle, metrics, log, viaPseudonym: options.viaPseudonym, budget };
  const backends = new Map<string, FrontDoorBackend>(frontDoorBackends(options.config).map((settings) =>
    [settings.name, createBackend(settings, options.config.openai_front_door, options, {
      beginTrace: (target, headers) => tracing?.current()?.beginUpstream(target, headers),
      onHead: (rawHeaders) => { if (settings.kind === 'anthropic') metrics.quotaSeen(rawHeaders, `front_door_${settings.name}`); },
      onStreamOpened: () => metrics.streamOpened('front_door'),
      onStreamClosed: () => metrics.streamClosed('front_door'),
      onDropped: (direction, dropped) => metrics.headersDropped(direction, dropped),
    })]));
  const hooks: FrontDoorOptions['hooks'] = {
    requestId: (ctx) => inboundOf(ctx).id,
    client: (ctx) => callerOf(ctx).name,
    tag: (ctx) => inboundOf(ctx).described,
    caller: (ctx) => callerOf(ctx).counterKey,
    onRequestRead: (ctx, read) => {
      const { trace } = inboundOf(ctx);
      if (trace !== undefined) trace.requestModel = read.model;
      const caller = callerOf(ctx);
      caller.open.requestedModel = read.model;
      caller.open.requestBytes = read.requestBytes;
      caller.cost = frontDoorCostOf(read);
      admitModel(caller, read);
      admitSpending(caller, read, { budgets, metrics });
      if (!caller.measuresText) return undefined;
      // Other requests may have spent the budget while this one waited for its tokens.
      return reserveTokens(caller, read, { metrics, limiter, maxOutputTokens }).then(() => admitSpending(caller, read, { budgets, metrics }));
    },
    measuresText: (ctx) => options.measuresOutput || callerOf(ctx).measuresText,
    onUpstreamHead: (ctx) => callerOf(ctx).bytes.release(),
    onStreamBegun: (ctx, progress) => {
      const caller = callerOf(ctx);
      if (options.measuresOutput) caller.open.spending = () => openSpendingOf(caller, progress(), models);
    },
    accessOf: (ctx) => callerOf(ctx).rules,
    onRequestFields: (ctx, name, sent) => {
      const caller = callerOf(ctx);
      caller.open.backend = name;
      if (caller.hasCountedFields) return;
      caller.hasCountedFields = true;
      metrics.headersDropped('request', backends.get(name)?.droppedFields(ctx.req.rawHeaders, sent) ?? []);
    },
    isModelListed: (ctx, model) => callerOf(ctx).rules?.allowsModel(model) !== false,
    onRequestSettled: (summary, ctx) => settle(ctx, summary),
    onInternalError: (error, ctx) => log.internalError(inboundOf(ctx), error),
  };
  const build = (config: GatewayConfig): OpenAiFrontDoor => createOpenAiFrontDoor({
    ...describeFrontDoor(config, backends), hooks,
    readBody: (ctx, maxBytes) => receiveBody(inboundOf(ctx), callerOf(ctx).bytes, { maxBytes, check: options.beginJsonCheck(maxBytes) }),
    streamBody: (ctx) => streamBody(inboundOf(ctx)),
  });
  // A reload makes a new front door; requests under way end with the one they began with.
  const doors = new Set<OpenAiFrontDoor>();
  let door = build(options.config);
  let maxOutputTokens = options.config.openai_front_door.max_output_tokens ?? DEFAULT_MAX_OUTPUT_TOKENS;
  let models = frontDoorModels(options.config);
  doors.add(door);

  function settle(ctx: Context, summary: RequestSummary): void {
    const caller = callerOf(ctx);
    const state = summary.backend === undefined ? undefined : backends.get(summary.backend)?.state;
    const outcome = summary.outcome === 'upstream_error' && state?.refusesCredential(summary.upstreamStatus ?? 0) === true ? 'upstream_credential_refused' : summary.outcome;
    state?.ended(outcome, summary.status);
    observer.settled(inboundOf(ctx), { ...describeEnd(summary), outcome, upstream: summary.backend === undefined ? undefined : `front_door_${summary.backend}`, client: caller.name, person: caller.person, charge: chargeOf(caller, summary, limiter.ratios, maxOutputTokens),
      upstreamModel: upstreamModelOf(models, summary), spending: () => spendingOf(caller, summary, maxOutputTokens) });
  }

  async function refuse(inbound: InboundRequest, error: unknown): Promise<void> {
    const { status, headers, body } = openAiErrorResponse(error);
    const fields = [...Object.entries(headers).flat(), 'request-id', inbound.id, 'x-request-id', inbound.id, 'x-penstock-request-id', inbound.id, ...inbound.responseFields];
    if (lifecycle.isLeaving) fields.push('connection', 'close');
    const responseBytes = await respond(inbound.request, inbound.response, { status, headers: fields, body: Buffer.from(body) });
    const outcome = isFrontDoorError(error) ? error.outcome : 'internal';
    if (outcome === 'internal') log.internalError(inbound, error);
    observer.settled(inbound, {
      side: 'front_door', route: undefined, status, outcome, client: inbound.client, isEventStream: false, requestBytes: 0, responseBytes,
      errorCode: headers['x-penstock-error'],
    });
  }

  return {
    bufferedBytes: () => budget.taken(),
    upstreams: Object.fromEntries([...backends].map(([name, { upstream }]) => [`front_door_${name}`, upstream])),
    noteSuccesses(successes) {
      for (const [name, { state }] of backends) state.succeededElsewhere(successes[`front_door_${name}`] ?? 0);
    },
    upstreamStates: () => [...backends].map(([name, { upstream, state }]) => describeUpstream(`front_door_${name}`, upstream.stats(), state.times())),
    async handle(context, inbound) {
      metrics.requestStarted('front_door', inbound);
      if (tracing !== undefined) inbound.trace = tracing.begin(inbound);
      let caller: FrontDoorCaller | undefined;
      try {
        caller = await admitClient(admission, inbound);
        context.state['caller'] = caller;
        setResponseFields(inbound, lifecycle.isLeaving);
        if (inbound.expectsContinue) inbound.response.writeContinue();
        const serve = (): unknown => door.routes()(context, nothingFollows);
        await (tracing === undefined ? serve() : tracing.within(inbound.trace, serve));
      } catch (error) {
        await refuse(inbound, error);
      } finally {
        caller?.bytes.release();
        caller?.lease?.release();
        if (caller !== undefined && !inbound.request.complete) discardRest(inbound.request, inbound.limits.lingerMs);
        metrics.requestEnded('front_door', inbound);
      }
    },
    prepare: (config) => {
      const next = build(config);
      const settings = frontDoorBackends(config);
      return (clients) => {
        for (const [name, backend] of backends) backend.update(config.openai_front_door, settings.find((own) => own.name === name));
        maxOutputTokens = config.openai_front_door.max_output_tokens ?? DEFAULT_MAX_OUTPUT_TOKENS;
        models = frontDoorModels(config);
        budget.resize(config.openai_front_door.max_buffered_bytes);
        admission = { ...admission, clients };
        door = next;
        for (const old of doors) if (old.openRequests() === 0) doors.delete(old);
        doors.add(door);
        const waiting = models.filter(({ backend }) => !backends.has(backend)).map(({ model }) => model);
        if (waiting.length > 0) options.logger.warn({ models: waiting }, 'models of the front door wait for a restart: their backend is made at the start only');
      };
    },
    interrupt(reason) {
      for (const open of doors) open.interrupt(reason);
    },
    async close(graceMs) {
      await Promise.all([...backends.values()].map(({ upstream }) => upstream.close({ graceMs })));
    },
  };
}

function inboundOf(ctx: Context): InboundRequest {
  return ctx.state['inbound'] as InboundRequest;
}

function callerOf(ctx: Context): FrontDoorCaller {
  return ctx.state['caller'] as FrontDoorCaller;
}

/** The front door is the last to be asked: what it leaves open it answers itself. */
function nothingFollows(): Promise<void> {
  return Promise.resolve();
}

/** The front door keeps fields that were set before it. */
function setResponseFields({ response, responseFields, id }: InboundRequest, isLeaving: boolean): void {
  response.setHeader('x-penstock-request-id', id);
  if (isLeaving) response.setHeader('connection', 'close');
  for (let index = 0; index < responseFields.length; index += 2) response.appendHeader(responseFields[index] ?? '', responseFields[index + 1] ?? '');
}

/** The end of a request as the package's summary describes it. The package's clock starts after admission, so its times are placed by their end. */
function describeEnd({ route, firstByteMs, durationMs, usage, usageSource, model, stopReason, sawStop, error, ...rest }: RequestSummary): Omit<RequestEnd, 'client'> {
  return {
    ...rest, side: 'front_door', failure: error instanceof Error ? error.cause : undefined,
    route: KNOWN_ROUTES.has(route) ? { template: route } : undefined,
    headAt: firstByteMs === undefined ? undefined : performance.now() - durationMs + firstByteMs,
    usage: { usage, source: usageSource, model, stopReason, sawStop },
  };
}

function describeFrontDoor(config: GatewayConfig, backends: ReadonlyMap<string, FrontDoorBackend>): Omit<FrontDoorOptions, 'hooks'> {
  const settings = config.openai_front_door;
  const models = frontDoorModels(config).filter(({ backend }) => backends.has(backend)).map((rule): ModelRoute => ({
    match: rule.model, backend: rule.backend,
    ...(rule.upstream_model === undefined ? {} : { upstreamModel: rule.upstream_model }),
    ...(rule.max_output_tokens === undefined ? {} : { defaultMaxTokens: rule.max_output_tokens }),
  }));
  return {
    relayGroups: settings.route_groups,
    settingNames: SETTING_NAMES,
    backends: Object.fromEntries([...backends].map(([name, { backend }]) => [name, backend])),
    models,
    capabilities: mergeModelCapabilities(settings.model_capabilities, BUILT_IN_MODEL_CAPABILITIES),
    ...(settings.max_output_tokens === undefined ? {} : { maxOutputTokens: settings.max_output_tokens }),
    reasoningContent: settings.reasoning_content,
    laterSystemMessages: settings.later_system_messages,
    ...(settings.codex_instructions === undefined ? {} : { codexInstructions: settings.codex_instructions }),
    jsonObjectFormat: settings.json_object,
    // Whole milliseconds: 1.005 s are 1004.9999999999999 ms.
    limits: { clientStallMs: Math.max(1, Math.round(settings.timeouts.client_stall * 1000)), keepAliveMs: Math.round(settings.keep_alive_comments * 1000) },
  };
}
