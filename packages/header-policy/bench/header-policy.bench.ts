/**
 * What one request costs: both directions of a Claude Code call, beside the two ways other proxies do it.
 * Run with `node --expose-gc --conditions=@penstock/source bench/header-policy.bench.ts`; Node 26 runs the sources as they are.
 */
import { bench, do_not_optimize, run, summary } from 'mitata';
import { CAPTURED_REQUESTS, CAPTURED_RESPONSE, fieldsOf } from '../test/captured-requests.ts';
import { anthropicHeaderRules, createHeaderPolicy, hasViaPseudonym, safeStatusMessage } from '../src/index.ts';

const policy = createHeaderPolicy(anthropicHeaderRules);
const additions = { set: ['x-api-key', 'sk-ant-api03-gateway', 'via', '1.1 penstock', 'content-length', '86214'], defaults: ['anthropic-version', '2023-06-01'] };

const request = fieldsOf(CAPTURED_REQUESTS[0]?.received ?? '');
const response = fieldsOf(CAPTURED_RESPONSE);

summary(() => {
  benchFields('forwardRequestHeaders, Claude Code (21 fields)', request, (fields) => policy.forwardRequestHeaders(fields, additions));
  benchFields('baseline: lowercase into an object, delete ten names', request, objectAndDelete);
  benchFields('baseline: one regular expression a field, no checks', request, regularExpression);
});
summary(() => {
  benchFields('forwardResponseHeaders, event stream (20 fields)', response, (fields) => policy.forwardResponseHeaders(fields));
});
summary(() => {
  benchFields('hasViaPseudonym', request, (fields) => hasViaPseudonym(fields, 'penstock'));
  bench('safeStatusMessage', () => do_not_optimize(safeStatusMessage(529, 'Site Overloaded')));
});

await run();

/** Each call gets strings made anew, as from a socket: V8 remembers the hash of a string it has seen. Making them is not measured. */
function benchFields(name: string, fields: readonly string[], act: (fields: readonly string[]) => unknown): void {
  const bytes = fields.map((field) => Buffer.from(field, 'latin1'));
  bench(name, function* measure() {
    yield {
      0: () => bytes.map((field) => field.toString('latin1')),
      bench: (fresh: readonly string[]) => do_not_optimize(act(fresh)),
    };
  });
}

/** What http-proxy and its heirs do, without a check of any kind: order, case and repeats are lost. */
function objectAndDelete(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) headers[(fields[index] ?? '').toLowerCase()] = fields[index + 1] ?? '';
  for (const name of ['connection', 'keep-alive', 'te', 'upgrade', 'transfer-encoding', 'host', 'cookie', 'x-api-key', 'authorization', 'content-length']) {
    delete headers[name];
  }
  return headers;
}

/** A deny-list as one pattern; nothing is validated, counted or nominated. */
function regularExpression(fields: readonly string[]): string[] {
  const headers: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (!/^(?:connection|keep-alive|te|upgrade|transfer-encoding|host|cookie|x-api-key|authorization|content-length)$/i.test(name)) {
      headers.push(name, fields[index + 1] ?? '');
    }
  }
  return headers;
}
