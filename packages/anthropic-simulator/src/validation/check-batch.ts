import { isJsonObject, type JsonObject } from '../json.ts';
import { checkObject, checkString, eachOf, firstOf, noExtras, type Check } from './schema-checks.ts';

const MAX_REQUESTS = 100_000;
const CUSTOM_ID = /^[a-zA-Z0-9_-]{1,64}$/;
const BATCH_MEMBERS: ReadonlySet<string> = new Set(['requests']);
const REQUEST_MEMBERS: ReadonlySet<string> = new Set(['custom_id', 'params']);

/** Checks what a batch is refused for as a whole; what is wrong with one request's parameters becomes its result. */
export function checkBatchRequests(body: JsonObject): Check {
  const { requests } = body as { readonly requests?: unknown };
  if (requests === undefined) return 'requests: Field required';
  if (!Array.isArray(requests)) return 'requests: Input should be a valid list';
  if (requests.length === 0) return 'requests: List should have at least 1 item after validation, not 0';
  if (requests.length > MAX_REQUESTS) return `requests: List should have at most ${MAX_REQUESTS} items after validation, not ${requests.length}`;
  const seen = new Set<unknown>();
  return noExtras('', body, BATCH_MEMBERS) ?? eachOf(requests, (item: unknown, index) => checkItem(item, `requests.${index}`, seen));
}

function checkItem(item: unknown, path: string, seen: Set<unknown>): Check {
  if (!isJsonObject(item)) return `${path}: Input should be a valid dictionary or object to extract fields from`;
  const { custom_id: customId, params } = item as { readonly custom_id?: unknown; readonly params?: unknown };
  return firstOf(
    () => checkString(`${path}.custom_id`, customId, { pattern: CUSTOM_ID }),
    () => checkObject(`${path}.params`, params),
    () => noExtras(path, item, REQUEST_MEMBERS),
    () => isJsonObject(params) && params['stream'] === true ? `${path}.params.stream: Streaming is not supported in batches` : undefined,
    () => {
      if (seen.has(customId)) return `${path}.custom_id: custom_id must be unique, found ${String(customId)} more than once`;
      seen.add(customId);
      return undefined;
    },
  );
}
