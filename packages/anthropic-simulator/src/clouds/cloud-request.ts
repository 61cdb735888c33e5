import { Buffer } from 'node:buffer';
import { invalidRequest } from '../http/api-error.ts';
import type { Answer } from '../http/answer.ts';
import { headerOf, type Exchange } from '../http/exchange.ts';
import { listOf, textOf, type JsonObject } from '../json.ts';
import { readJson } from '../routes/read-json.ts';

/** What a cloud's body has in place of fields and headers of the API. */
export interface CloudBody {
  /** The value of `anthropic_version`; a date of the API will do as well, which newer clients send. */
  readonly version: string;
  /** Members of the API that the path stands for. */
  readonly refused: readonly string[];
  /** A member that this body must have and the API's may not. */
  readonly ignored?: string;
}

/** The bodies of Amazon Bedrock. */
export const BEDROCK_BODY: CloudBody = Object.freeze({ version: 'bedrock-2023-05-31', refused: Object.freeze(['model', 'stream']) });
/** The same inside a request that counts tokens. */
export const BEDROCK_COUNT_BODY: CloudBody = Object.freeze({ ...BEDROCK_BODY, ignored: 'max_tokens' });
/** The bodies of Vertex AI. */
export const VERTEX_BODY: CloudBody = Object.freeze({ version: 'vertex-2023-10-16', refused: Object.freeze(['model']) });
/** The same where tokens are counted: the model is a member there. */
export const VERTEX_COUNT_BODY: CloudBody = Object.freeze({ ...VERTEX_BODY, refused: Object.freeze([]) });

const DATE = /^\d{4}-\d{2}-\d{2}$/;

type Converted = { readonly ok: true; readonly exchange: Exchange } | { readonly ok: false; readonly answer: Answer };

/** The request of the API that a cloud's request stands for, with `members` set; or the error that the cloud answers. */
export function convertRequest(exchange: Exchange, cloud: CloudBody, members: JsonObject): Converted {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed;
  const { anthropic_version: version, anthropic_beta: betas, ...body } = parsed.value;
  const refused = cloud.refused.find((name) => name in body);
  if (version !== cloud.version && !DATE.test(textOf(version))) return refuse(exchange, `#: required key [anthropic_version] must be ${cloud.version}`);
  if (refused !== undefined) return refuse(exchange, `#: extraneous key [${refused}] is not permitted`);
  const allBetas = [...listOf(betas).map(textOf), headerOf(exchange, 'anthropic-beta') ?? ''].filter((beta) => beta !== '').join(',');
  const rawHeaders = [...without(exchange.rawHeaders), 'anthropic-version', '2023-06-01', ...allBetas === '' ? [] : ['anthropic-beta', allBetas]];
  const native = Object.fromEntries(Object.entries({ ...members, ...body }).filter(([name]) => name !== cloud.ignored));
  return { ok: true, exchange: { ...exchange, rawHeaders, body: Buffer.from(JSON.stringify(native)) } };
}

/** The name of a model without what a cloud adds: an ARN, a region, a provider, a version; `@` stands for the dash before a date. */
export function modelOf(cloudId: string): string {
  const id = cloudId.slice(cloudId.lastIndexOf('/') + 1).replace(/^(?:[a-z-]+\.)?anthropic\./, '');
  return id.replace(/-v\d+(?::\d+)?$/, '').replace('@', '-');
}

function refuse(exchange: Exchange, reason: string): Converted {
  return { ok: false, answer: invalidRequest(exchange.requestId, `Malformed input request: ${reason}, please reformat your input and try again.`) };
}

function without(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => !['anthropic-version', 'anthropic-beta'].includes((rawHeaders[index - index % 2] ?? '').toLowerCase()));
}
