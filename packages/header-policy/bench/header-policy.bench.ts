/**
 * What one request costs: both directions of a Claude Code call, beside the two ways other proxies do it.
 * Run with `node --expose-gc --conditions=@penstock/source bench/header-policy.bench.ts`; Node 26 runs the sources as they are.
 */
import { bench, do_not_optimize, run, summary } from 'mitata';
import { CAPTURED_REQUESTS, CAPTURED_RESPONSE, fieldsOf } from '../test/captured-requests.ts';
import { anthropicHeaderRules, createHeaderPolicy, hasViaPseudonym, safeStatusMessage } from '../src/index.ts';

const policy = createHeaderPolicy(anthropicHeaderRules);
const additions = { set: ['x-api-key', 'sk-ant-api03-gateway', 'via', '1.1 penstock', 'content-length', '86214'], defaults: ['anthropic-version', '2023-06-01'] };

// As from a socket: strings made anew for each request, so that no hash or flattening is remembered between iterations.
const COPIES = 512;
const requests = copiesOf(fieldsOf(CAPTURED_REQUESTS[0]?.received ?? ''));
const responses = copiesOf(fieldsOf(CAPTURED_RESPONSE));
let next = 0;

function copiesOf(fields: readonly string[]): string[][] {
  return Array.from({ length: COPIES }, () => fields.map((field) => Buffer.from(field, 'latin1').toString('latin1')));
}

function pick(copies: readonly string[][]): readonly string[] {
  next = (next + 1) % COPIES;
  return copies[next] ?? [];
}

summary(() => {
  bench('forwardRequestHeaders, Claude Code (21 fields)', () => do_not_optimize(policy.forwardRequestHeaders(pick(requests), additions)));
  bench('forwardResponseHeaders, event stream (20 fields)', () => do_not_optimize(policy.forwardResponseHeaders(pick(responses))));
  bench('baseline: lowercase into an object, delete ten names', () => do_not_optimize(objectAndDelete(pick(requests))));
  bench('baseline: one regular expression a field, no checks', () => do_not_optimize(regularExpression(pick(requests))));
});
summary(() => {
  bench('hasViaPseudonym', () => do_not_optimize(hasViaPseudonym(pick(requests), 'penstock')));
  bench('safeStatusMessage', () => do_not_optimize(safeStatusMessage(529, 'Site Overloaded')));
});

await run();

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
