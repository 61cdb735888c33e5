import { invalidValue, member, requireObject, type JsonObject } from '../json/json-value.ts';
import type { NamedTool } from '../messages-core/tools.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import { readContextSize, WEB_SEARCH, webSearchTool } from '../messages-core/web-search.ts';

const PARAM = 'web_search_options';
const MEMBERS: ReadonlySet<string> = new Set(['search_context_size', 'user_location', 'filters']);
const LOCATION_MEMBERS: ReadonlySet<string> = new Set(['type', 'approximate']);

/** Adds the upstream's own search where `web_search_options` ask for one. */
export function withWebSearch(request: JsonObject, tools: readonly NamedTool[], scope: TranslationScope): readonly NamedTool[] {
  const value = member(request, PARAM);
  if (value === undefined) return tools;
  const options = requireObject(value, PARAM);
  scope.ignoreOthers(options, MEMBERS, PARAM);
  readContextSize(member(options, 'search_context_size'), `${PARAM}.search_context_size`, scope);
  const given = member(options, 'user_location');
  const location = given === undefined ? {} : requireObject(given, `${PARAM}.user_location`);
  scope.ignoreOthers(location, LOCATION_MEMBERS, `${PARAM}.user_location`);
  const filters = member(options, 'filters');
  const search = webSearchTool({
    location: member(location, 'approximate'), locationParam: `${PARAM}.user_location.approximate`,
    allowed: filters === undefined ? undefined : member(requireObject(filters, `${PARAM}.filters`), 'allowed_domains'), domainsParam: `${PARAM}.filters`,
  });
  if (tools.some(({ name }) => name === WEB_SEARCH)) throw invalidValue(PARAM, `a function has the name of the search, ${WEB_SEARCH}`);
  return [...tools, search];
}
