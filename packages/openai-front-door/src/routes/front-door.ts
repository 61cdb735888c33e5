import { Buffer } from 'node:buffer';
import type { Context } from 'koa';
import type { AnthropicBackend, Backend, OpenAiBackend } from '../backend.ts';
import { modelNotFound, type ModelMap, type ResolvedModel } from '../models/model-map.ts';
import type { FrontDoorHooks, FrontDoorLimits, ReadBody, ReceivedBody, RequestRead, SettingNames, StreamBody } from '../options.ts';
import type { ChatPlan } from '../translation/chat-plan.ts';
import type { Translator } from '../translation/translator.ts';
import type { CallerAccess, RelayGroup } from '../relay/relay-groups.ts';
import type { Exchange } from './exchange.ts';

/** What every route of one front door shares: its options, resolved once. */
export interface FrontDoor {
  readonly backends: Readonly<Record<string, Backend>>;
  readonly models: ModelMap;
  readonly limits: FrontDoorLimits;
  readonly hooks: FrontDoorHooks;
  readonly readBody: ReadBody;
  readonly streamBody: StreamBody;
  readonly chatPlan: ChatPlan;
  readonly translator: Translator;
  /** The groups that are relayed to OpenAI-compatible origins. */
  readonly relayGroups: ReadonlySet<RelayGroup>;
  readonly settingNames: SettingNames;
  /** The instructions of Codex's model catalogue; without them there is none. */
  readonly codexInstructions: string | undefined;
  /** What paths begin with. */
  readonly prefix: string;
}

/** A route's handler: answers, or throws what is answered as an error. */
export type RouteHandler = (frontDoor: FrontDoor, exchange: Exchange) => Promise<void>;

/** A backend with its name. */
export interface NamedBackend<B extends Backend = Backend> {
  readonly name: string;
  readonly backend: B;
}

const LONGEST_RECORDED_NAME = 256;

/** Where a model goes, or the 404. */
export function resolveModel(frontDoor: FrontDoor, model: string): ResolvedModel & { readonly origin: Backend } {
  const resolved = frontDoor.models.resolve(model);
  const origin = resolved === undefined ? undefined : frontDoor.backends[resolved.backend];
  if (resolved === undefined || origin === undefined) throw modelNotFound(model);
  return { ...resolved, origin };
}

function isOpenAi(entry: NamedBackend): entry is NamedBackend<OpenAiBackend> {
  return entry.backend.kind === 'openai';
}

/** All backends by name, in the order of the options. */
export function backendEntries(frontDoor: FrontDoor): readonly NamedBackend[] {
  return Object.entries(frontDoor.backends).map(([name, backend]) => ({ name, backend }));
}

/** The backends that speak OpenAI's protocol. */
export function openAiBackends(frontDoor: FrontDoor): readonly NamedBackend<OpenAiBackend>[] {
  return backendEntries(frontDoor).filter(isOpenAi);
}

/** Whether a backend translates. */
export function isAnthropic(backend: Backend): backend is AnthropicBackend {
  return backend.kind === 'anthropic';
}

/** Reads the request's body and counts it. */
export async function readExchangeBody(frontDoor: FrontDoor, exchange: Exchange): Promise<ReceivedBody> {
  const body = await frontDoor.readBody(exchange.ctx, frontDoor.limits.maxRequestBytes);
  exchange.record.requestBytes = body.bytes.length;
  return body;
}

/** Notes the model that a body names, before anything is refused for it. */
export function recordRequestedModel(exchange: Exchange, model: string | undefined): void {
  if (model === undefined) return;
  // A part of a longer text would keep all of it alive for as long as the answer streams.
  exchange.record.requestedModel = model.length > LONGEST_RECORDED_NAME ? Buffer.from(model.slice(0, LONGEST_RECORDED_NAME)).toString() : model;
}

/** The bytes to relay of a body whose JSON text was read: those that came, be they compressed or the text itself, which reading it may have moved. */
export function relayedBytes({ bytes, json }: ReceivedBody, read: { readonly json: Uint8Array }): Uint8Array {
  return bytes === json ? read.json : bytes;
}

/** Whether what a model writes is counted for a request. */
export function measuresText({ hooks }: FrontDoor, ctx: Context): boolean {
  return hooks.measuresText?.(ctx) === true;
}

/** Lets the application refuse a request whose body is known. */
export async function admitRequest(frontDoor: FrontDoor, ctx: Context, request: RequestRead): Promise<void> {
  await frontDoor.hooks.onRequestRead?.(ctx, request);
}

const UNRESTRICTED: CallerAccess = Object.freeze({ allowsRouteGroup: () => true, restrictsModels: false });

/** What the caller of a request may do. */
export function accessOf({ hooks }: FrontDoor, ctx: Context): CallerAccess {
  return hooks.accessOf?.(ctx) ?? UNRESTRICTED;
}
