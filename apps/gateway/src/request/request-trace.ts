import type { RequestDetails, RequestRecord } from './request-record.ts';

/** Where an outbound request goes. */
export interface UpstreamTarget {
  readonly method: string;
  /** The origin of the upstream, such as `https://api.anthropic.com`. */
  readonly origin: string;
  /** The upstream's path with placeholders for ids; never a raw path. */
  readonly template: string;
  /** The API of the upstream, as `gen_ai.provider.name`. */
  readonly provider: 'anthropic' | 'openai' | 'aws.bedrock' | 'azure.ai.inference' | 'gcp.vertex_ai';
}

/** The span of one outbound request. It ends with its response, or with the request. */
export interface UpstreamTrace {
  /** Notes the status of the upstream's own head. */
  answered(status: number): void;
  /** Notes that the upstream's response ended, with the error that broke it. */
  finished(error: unknown): void;
}

/** The trace of one inbound request. No method throws: a failure is counted as an observer error. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span of the inbound request. */
  readonly spanId: string;
  /** The model that the request names, once it was read. */
  requestModel: string | undefined;
  /**
   * Begins the span of an outbound request and puts its context into the outbound fields, in place of the client's. A request
   * that is not sampled gets no span, and its fields stay as they are.
   */
  beginUpstream(target: UpstreamTarget, headers: string[]): UpstreamTrace | undefined;
  /** Notes the status of the upstream's head, for the outbound request that began last. */
  answered(status: number): void;
  /** Ends every span of the request; called once, when the request is settled. */
  end(record: RequestRecord, details: RequestDetails): void;
}
