import type { HeaderRules } from '@penstock/header-policy';
import type { PipeSettings, PipedRoute } from '../pipe/pipe-runtime.ts';
import type { CloudSide } from '../config/configured-clouds.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { UpstreamTarget } from '../request/request-trace.ts';

/** One route of a cloud's own format. */
export interface CloudRoute extends PipedRoute {
  /** Which clock bounds the wait for the head. */
  readonly headClock: 'quick' | 'message' | 'stream';
}

/** What a request asks for. */
export interface CloudTarget {
  readonly route: CloudRoute;
  /** The id of the model in the path, decoded; `undefined` where the body names it. */
  readonly model: string | undefined;
}

/** What differs between clouds: paths, fields, framing. */
export interface CloudFormat {
  readonly side: CloudSide;
  readonly routes: readonly CloudRoute[];
  readonly headerRules: HeaderRules;
  readonly provider: UpstreamTarget['provider'];
  /** Whether the field `content-type` of a request must name JSON; the body must be JSON in any case. */
  readonly requiresJsonType: boolean;
  /** The only query parameter that goes upstream, as it is written; `undefined` where none does. */
  readonly query: string | undefined;
  /** Finds what a request asks for by path and method; throws the `GatewayError` that it is answered. */
  readonly findTarget: (inbound: Pick<InboundRequest, 'path' | 'method'>) => CloudTarget;
  /** Throws a `GatewayError` for a model that this gateway does not serve here. */
  readonly checkModel: (model: string) => void;
  /** What a stream ends with that broke, in the framing of this cloud: one of both. */
  readonly failureEvent?: PipeSettings['failureEvent'];
  readonly failureFrame?: PipeSettings['failureFrame'];
}

/** All bodies are JSON, and the answers of all but token counts report what they used. */
export function cloudRoute(template: string, headClock: CloudRoute['headClock']): CloudRoute {
  return { template, headClock, body: 'json', reportsUsage: headClock !== 'quick', isSpentLater: false };
}
