import type { UpstreamExchange } from '@penstock/proxy';
import { principalText, type Person } from '../access/identity/principal.ts';
import type { OpenRequestFacts, RequestPhase } from '../request/described-request.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { PipeSide } from '../request/upstream-titles.ts';

/** The part of an exchange that is read here. */
export interface OpenExchange {
  readonly side: PipeSide;
  readonly inbound: InboundRequest;
  readonly client: string;
  readonly person: Person | undefined;
  readonly route: { readonly template: string } | undefined;
  readonly relayed: Pick<UpstreamExchange<never>, 'handler' | 'timings'> | undefined;
  readonly upstream: string | undefined;
  readonly requestedModel: string | undefined;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly bytes: unknown;
  readonly uploadBytes: (() => number) | undefined;
  readonly receivedAt: number | undefined;
}

/** The status of a request that was not answered yet. */
const UNANSWERED = 499;

/** Describes a request that has not been settled. Nothing is kept for this while a request runs: its phase follows from what it has. */
export function describeOpenExchange(exchange: OpenExchange): OpenRequestFacts {
  const { inbound, relayed, uploadBytes } = exchange;
  const progress = relayed?.handler.progress();
  return {
    side: exchange.side, requestId: inbound.id, startedAt: inbound.startedAt, client: exchange.client,
    ...(exchange.person === undefined ? {} : { person: principalText(exchange.person) }),
    upstream: exchange.upstream, route: exchange.route?.template, method: inbound.method,
    phase: phaseOf(exchange), requestedModel: exchange.requestedModel,
    isEventStream: progress?.isEventStream ?? false,
    requestBytes: uploadBytes?.() ?? exchange.requestBytes,
    responseBytes: progress?.bodyBytes ?? exchange.responseBytes,
    acquiredAt: relayed?.timings?.acquiredAt,
    stalledAt: progress?.stalledAt,
  };
}

/** Phases 1 to 3 pass without a pause, but for a token that has to be verified, so that they are seldom seen. */
function phaseOf({ status, relayed, bytes, uploadBytes, receivedAt, route }: OpenExchange): RequestPhase {
  if (status !== UNANSWERED) return 'settle';
  if (relayed !== undefined) {
    const { timings } = relayed;
    if (timings?.acquiredAt === undefined) return 'acquire';
    return timings.headAt === undefined ? 'send' : 'relay';
  }
  if (bytes !== undefined || uploadBytes !== undefined || receivedAt !== undefined) return 'receive';
  return route === undefined ? 'authenticate' : 'limit';
}
