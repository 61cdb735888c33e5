import { relayRoutesAt } from '@penstock/openai-front-door';
import type { RequestTimings } from '@penstock/upstream-client';
import { principalText, type Person } from '../access/identity/principal.ts';
import type { DescribedRequest, OpenRequestFacts, OpenSpending, RequestPhase } from '../request/described-request.ts';
import type { InboundRequest } from '../request/inbound-request.ts';

/** The response of a backend at one moment. Times are `performance.now()` milliseconds. */
export interface BackendProgress {
  readonly timings: RequestTimings | undefined;
  readonly bytes: number;
  readonly isEventStream: boolean;
  /** Since when the translation has taken nothing although bytes wait for it, because the client takes nothing. */
  readonly stalledAt: number | undefined;
}

/** An open request of the front door; a list of models, which asks several backends, shows the one that was asked last. */
export class OpenFrontDoorRequest implements DescribedRequest {
  readonly #inbound: InboundRequest;
  /** Whether its client may send it now: what follows is its body. */
  isAdmitted = false;
  /** Absent for clients. */
  person: Person | undefined;
  requestedModel: string | undefined;
  /** Whether the caller has a budget, so that the quota of the gateway's own key is not shown. */
  hidesQuota = false;
  requestBytes = 0;
  /** The name of the backend, once one was chosen. */
  backend: string | undefined;
  /** The response of that backend. */
  response: { progress(): BackendProgress } | undefined;
  /** What it would be charged if it ended now; absent until an event stream began. */
  spending: (() => OpenSpending | undefined) | undefined;

  constructor(inbound: InboundRequest) {
    this.#inbound = inbound;
  }

  describeOpen(): OpenRequestFacts {
    const { id, startedAt, client, method, path } = this.#inbound;
    const progress = this.response?.progress();
    return {
      side: 'front_door', requestId: id, startedAt, client, ...(this.person === undefined ? {} : { person: principalText(this.person) }), method, route: routeOf(path),
      upstream: this.backend === undefined ? undefined : `front_door_${this.backend}`,
      phase: this.#phase(progress), requestedModel: this.requestedModel,
      isEventStream: progress?.isEventStream ?? false, requestBytes: this.requestBytes, responseBytes: progress?.bytes ?? 0,
      acquiredAt: progress?.timings?.acquiredAt, stalledAt: progress?.stalledAt,
    };
  }

  openSpending(): OpenSpending | undefined {
    return this.spending?.();
  }

  #phase(progress: BackendProgress | undefined): RequestPhase {
    if (progress !== undefined) {
      if (progress.timings?.acquiredAt === undefined) return 'acquire';
      return progress.timings.headAt === undefined ? 'send' : 'relay';
    }
    if (this.isAdmitted) return 'receive';
    return this.#inbound.client === 'unauthenticated' ? 'authenticate' : 'limit';
  }
}

/** The template of a path; `undefined` for one that no route is known for, which could hold anything. */
function routeOf(path: string): string | undefined {
  const [route] = relayRoutesAt(path);
  if (route !== undefined) return route.template;
  if (path.startsWith('/v1/models/')) return '/v1/models/{id}';
  return path === '/v1/models' || path === '/v1/chat/completions' ? path : undefined;
}
