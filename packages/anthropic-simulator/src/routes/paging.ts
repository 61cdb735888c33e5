import { invalidRequest } from '../http/api-error.ts';
import { jsonAnswer, type Answer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** Answers a page by `limit`, `after_id` and `before_id`, as models and batches are listed. */
export function answerIdPage(exchange: Exchange, items: ReadonlyArray<{ readonly id: string }>): Answer {
  const limit = readLimit(exchange.query.get('limit'));
  if (typeof limit !== 'number') return invalidRequest(exchange.requestId, limit.message);
  const afterId = exchange.query.get('after_id');
  const beforeId = exchange.query.get('before_id');
  const anchor = afterId ?? beforeId;
  const position = anchor === null ? -1 : items.findIndex((item) => item.id === anchor);
  if (anchor !== null && position === -1) return invalidRequest(exchange.requestId, `${afterId === null ? 'before_id' : 'after_id'}: ${anchor} was not found`);
  const isBackwards = afterId === null && beforeId !== null;
  const rest = isBackwards ? items.slice(0, position) : items.slice(position + 1);
  const data = isBackwards ? rest.slice(-limit) : rest.slice(0, limit);
  return jsonAnswer({ data, has_more: rest.length > data.length, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
}

/** Answers a page by `limit` and an opaque `page` cursor, as files and skills are listed. */
export function answerCursorPage(exchange: Exchange, items: readonly unknown[]): Answer {
  const limit = readLimit(exchange.query.get('limit'));
  if (typeof limit !== 'number') return invalidRequest(exchange.requestId, limit.message);
  const cursor = exchange.query.get('page');
  const start = cursor === null ? 0 : readCursor(cursor);
  if (start === undefined) return invalidRequest(exchange.requestId, 'page: Invalid page token');
  const data = items.slice(start, start + limit);
  const isMore = start + data.length < items.length;
  return jsonAnswer({ data, next_page: isMore ? `page_${Buffer.from(String(start + data.length)).toString('base64url')}` : null });
}

function readLimit(text: string | null): number | { readonly message: string } {
  if (text === null) return DEFAULT_LIMIT;
  if (!/^-?\d+$/.test(text)) return { message: 'limit: Input should be a valid integer, unable to parse string as an integer' };
  const limit = Number(text);
  if (limit < 1) return { message: 'limit: Input should be greater than or equal to 1' };
  return limit > MAX_LIMIT ? { message: `limit: Input should be less than or equal to ${MAX_LIMIT}` } : limit;
}

function readCursor(cursor: string): number | undefined {
  const text = Buffer.from(cursor.replace(/^page_/, ''), 'base64url').toString();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
