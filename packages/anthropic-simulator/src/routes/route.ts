import type { Answer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';

/** Answers the requests of one method and path; `parameters` are the decoded `{name}` segments of its pattern, in order. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly pattern: string;
  /** Whether a path under `/v1/` needs no `anthropic-version`, and has credentials of another kind. @defaultValue false */
  readonly hasOwnHeaders?: true;
  readonly answer: (exchange: Exchange, ...parameters: string[]) => Answer;
}

/** The route of a request, with its parameters; `wrong_method` when only the path is known. */
export function matchRoute(routes: readonly Route[], method: string, path: string): { readonly route: Route; readonly parameters: string[] } | 'wrong_method' | undefined {
  let isPathKnown = false;
  for (const route of routes) {
    const parameters = matchPath(route.pattern, path);
    if (parameters === undefined) continue;
    if (route.method === method || (method === 'HEAD' && route.method === 'GET')) return { route, parameters };
    isPathKnown = true;
  }
  return isPathKnown ? 'wrong_method' : undefined;
}

function matchPath(pattern: string, path: string): string[] | undefined {
  const expected = pattern.split('/');
  const actual = path.split('/');
  if (expected.length !== actual.length) return undefined;
  const parameters: string[] = [];
  for (const [index, segment] of expected.entries()) {
    const value = actual[index] ?? '';
    if (!segment.startsWith('{')) {
      if (segment !== value) return undefined;
    } else {
      if (value === '') return undefined;
      parameters.push(decodeSegment(value));
    }
  }
  return parameters;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
