import { valueProblem } from '../config-error.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import { matchesGlob } from '../../access/clients/matches-glob.ts';
import { resolveWorkerCount } from '../worker-share.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const LIST = 'anthropic_native.upstreams';

const upstreamsAreDistinct: CrossFieldRule = {
  reads: [LIST],
  check: ({ anthropic_native: { upstreams } }) => upstreams.flatMap(({ name }, index): ConfigProblem[] => {
    const first = upstreams.findIndex((other) => other.name === name);
    return first === index ? [] : [valueProblem(`${LIST}[${index}].name`, `other than ${LIST}[${first}].name`, nameReceived(name, false))];
  }),
};

const upstreamsHaveTheirOwnCredentials: CrossFieldRule = {
  reads: [LIST, 'anthropic_native.credentials'],
  check: ({ anthropic_native: { upstreams, credentials } }) => (upstreams.length > 0 && credentials === 'forward'
    ? [valueProblem('anthropic_native.credentials', `"inject" with ${LIST}`, '"forward"', 'a credential of a client belongs to one account')]
    : []),
};

const statefulIsListed: CrossFieldRule = {
  reads: [LIST, 'anthropic_native.routing'],
  check: ({ anthropic_native: { upstreams, routing: { stateful } } }) => (stateful === undefined || upstreams.some(({ name }) => name === stateful)
    ? [] : [valueProblem('anthropic_native.routing.stateful', upstreams.length === 0 ? `absent without ${LIST}` : `one of ${upstreams.map(({ name }) => name).join(', ')}`, nameReceived(stateful, false))]),
};

const poolsAreSound: CrossFieldRule = {
  reads: [LIST, 'server.workers'],
  check: (config, { cores }) => config.anthropic_native.upstreams.flatMap(({ pool }, index): ConfigProblem[] => {
    if (pool === undefined) return [];
    const { max_connections: maximum, max_keepalive_connections: keepAlive } = pool;
    const at = `${LIST}[${index}].pool`;
    const workers = resolveWorkerCount(config, cores);
    return [
      ...(keepAlive <= maximum ? [] : [valueProblem(`${at}.max_keepalive_connections`, `at most ${at}.max_connections (${maximum})`, String(keepAlive))]),
      ...(maximum >= workers ? [] : [valueProblem(`${at}.max_connections`, `at least the number of workers (server.workers: ${workers})`, String(maximum), 'workers divide the connections between them')]),
    ];
  }),
};

const mappedModelsAreServed: CrossFieldRule = {
  reads: [LIST],
  check: ({ anthropic_native: { upstreams } }) => upstreams.flatMap(({ models, model_map: map }, index): ConfigProblem[] => Object.keys(map)
    .filter((model) => !models.some((pattern) => matchesGlob(pattern, model)))
    .map((model) => valueProblem(`${LIST}[${index}].model_map`, `of models that ${LIST}[${index}].models lists`, nameReceived(model, false)))),
};

/** What must hold between several upstreams. */
export const nativeUpstreamRules: readonly CrossFieldRule[] = [upstreamsAreDistinct, upstreamsHaveTheirOwnCredentials, statefulIsListed, mappedModelsAreServed, poolsAreSound];
