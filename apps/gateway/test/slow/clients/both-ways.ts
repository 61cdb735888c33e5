import { startTestGateway, type ConfigDocument } from '../../start-test-gateway.ts';
import { startScriptedApi, type ApiScript, type ScriptedApi, type SeenRequest } from './scripted-api.ts';

/** The same client asks the same upstream twice: by itself, and with a gateway between. */
export const WAYS = ['straight', 'through'] as const;
export type Way = (typeof WAYS)[number];

/** What a scenario came to on one way: the client's end of it, and the upstream's. */
export interface Account<End> {
  readonly end: End;
  readonly requests: readonly SeenRequest[];
}

/** A scenario, whatever the client. */
export interface Exchange<End> {
  /** The upstream's part; it may differ where a clock of the gateway's ends what the upstream ends by itself. */
  readonly script: (way: Way) => ApiScript;
  /** The gateway's configuration. @defaultValue the defaults */
  readonly gateway?: ConfigDocument;
  /** Drives the client to its end. */
  readonly drive: (baseUrl: string, api: ScriptedApi, way: Way) => Promise<End>;
}

/** Runs a scenario on both ways at once. */
export async function bothWays<End>(exchange: Exchange<End>): Promise<Record<Way, Account<End>>> {
  const [straight, through] = await Promise.all([goStraight(exchange), goThrough(exchange)]);
  return { straight, through };
}

async function goStraight<End>({ script, drive }: Exchange<End>): Promise<Account<End>> {
  await using api = await startScriptedApi(script('straight'));
  const end = await drive(api.origin, api, 'straight');
  return { end: withoutAddresses(end), requests: api.seen() };
}

async function goThrough<End>({ script, drive, gateway: document = {} }: Exchange<End>): Promise<Account<End>> {
  await using api = await startScriptedApi(script('through'));
  await using gateway = await startTestGateway(api.origin, document);
  const end = await drive(gateway.anthropic, api, 'through');
  return { end: withoutAddresses(end), requests: api.seen() };
}

/** Clients print whom they asked, and that is the one difference there should be. */
function withoutAddresses<End>(end: End): End {
  return JSON.parse(JSON.stringify(end).replaceAll(/127\.0\.0\.1:\d+(?:\/anthropic)?/g, 'UPSTREAM')) as End;
}
