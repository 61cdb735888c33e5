import { invalidType, invalidValue, isJsonObject, member, requireArray, requireObject, requireString, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The upstream's name of its search. */
export const WEB_SEARCH = 'web_search';

/** The upstream pauses a turn after ten steps of its own, and no OpenAI client can make the request that goes on. */
const MOST_SEARCHES = 8;

const PLACES = ['city', 'region', 'country', 'timezone'] as const;

/** Claude's own web search (https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool). */
export interface WebSearchTool {
  readonly type: 'web_search_20250305';
  readonly name: typeof WEB_SEARCH;
  readonly max_uses: number;
  readonly allowed_domains?: readonly string[];
  readonly blocked_domains?: readonly string[];
  readonly user_location?: JsonObject;
}

/** What a client asks of a search, each with the name that errors give it. */
export interface WebSearchWish {
  readonly location: unknown;
  readonly locationParam: string;
  readonly allowed?: unknown;
  readonly blocked?: unknown;
  readonly domainsParam?: string;
}

function locationOf(value: unknown, param: string): { readonly user_location?: JsonObject } {
  if (value === undefined) return {};
  const given = requireObject(value, param);
  const known: [string, string][] = [];
  for (const name of PLACES) {
    const place = member(given, name);
    if (place !== undefined && requireString(place, `${param}.${name}`).trim() !== '') known.push([name, requireString(place, `${param}.${name}`)]);
  }
  return known.length === 0 ? {} : { user_location: { type: 'approximate', ...Object.fromEntries(known) } };
}

function domainsOf(value: unknown, param: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const domains = requireArray(value, param).map((domain, index) => requireString(domain, `${param}[${index}]`));
  if (domains.some((domain) => domain.trim() === '')) throw invalidValue(param, 'a domain is empty');
  return domains.length === 0 ? undefined : domains;
}

/** The tool for what a client asks. */
export function webSearchTool({ location, locationParam, allowed, blocked, domainsParam = '' }: WebSearchWish): WebSearchTool {
  const allowedDomains = domainsOf(allowed, `${domainsParam}.allowed_domains`);
  const blockedDomains = domainsOf(blocked, `${domainsParam}.blocked_domains`);
  if (allowedDomains !== undefined && blockedDomains !== undefined) throw invalidValue(domainsParam, 'give either allowed or blocked domains');
  return {
    type: 'web_search_20250305', name: WEB_SEARCH, max_uses: MOST_SEARCHES,
    ...(allowedDomains === undefined ? {} : { allowed_domains: allowedDomains }),
    ...(blockedDomains === undefined ? {} : { blocked_domains: blockedDomains }),
    ...locationOf(location, locationParam),
  };
}

/** How much of the pages the model reads has no counterpart; the usual amount asks for nothing. */
export function readContextSize(value: unknown, param: string, scope: TranslationScope): void {
  if (value === undefined) return;
  if (typeof value !== 'string') throw invalidType(param, 'a string', value);
  if (value !== 'medium') scope.ignore(param);
}

/** A place of the web that a text was taken from. */
export interface UrlCitation {
  readonly url: string;
  readonly title: string;
}

/** A citation of the upstream's, where it is one of a search; `undefined` for those of documents. */
export function urlCitation(citation: unknown): UrlCitation | undefined {
  if (!isJsonObject(citation) || citation['type'] !== 'web_search_result_location' || typeof citation['url'] !== 'string') return undefined;
  return { url: citation['url'], title: typeof citation['title'] === 'string' ? citation['title'] : '' };
}

/** The citations of one text block, each place once. */
export class BlockCitations {
  readonly #byUrl = new Map<string, UrlCitation>();

  take(citation: unknown): void {
    const place = urlCitation(citation);
    if (place !== undefined) this.#byUrl.set(place.url, place);
  }

  takeAll(citations: unknown): void {
    if (Array.isArray(citations)) for (const citation of citations as readonly unknown[]) this.take(citation);
  }

  /** Gives them, and begins anew. */
  drain(): readonly UrlCitation[] {
    if (this.#byUrl.size === 0) return [];
    const places = [...this.#byUrl.values()];
    this.#byUrl.clear();
    return places;
  }
}
