import { nearestName } from '@penstock/option-names';
import { valueProblem } from '../config-error.ts';
import { readScope } from '../../access/budgets/budget-scope.ts';
import { digestOf } from '../../access/clients/find-client.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import { clientKeys } from '../sections/client-keys.ts';
import { hasAdmin } from '../sections/admin-section.ts';
import { hasIdentity } from '../sections/identity-section.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const budgetsAreDistinct: CrossFieldRule = {
  reads: ['budgets', 'identity.issuers'],
  check: ({ budgets, identity }) => budgets.flatMap(({ scope, share, period }, index): ConfigProblem[] => {
    const key = JSON.stringify([readScope(scope, identity), share, period]);
    const first = budgets.findIndex((other) => JSON.stringify([readScope(other.scope, identity), other.share, other.period]) === key);
    return first === index ? [] : [valueProblem(`budgets[${index}]`, `of another scope, share or period than budgets[${first}]`, 'the same', 'leave one of the two out')];
  }),
};

const poolsAreShared: CrossFieldRule = {
  reads: ['budgets', 'identity.issuers'],
  check: ({ budgets, identity }) => budgets.flatMap(({ scope, share }, index): ConfigProblem[] => {
    const { kind } = readScope(scope, identity);
    return share === 'each' || kind === 'group' || kind === 'organization'
      ? [] : [valueProblem(`budgets[${index}].share`, `"each" for a ${kind}`, '"pooled"', 'a group or the organization can share one amount')];
  }),
};

const budgetsNameWhatExists: CrossFieldRule = {
  reads: ['budgets', 'clients', 'identity.issuers', 'identity.sign_in'],
  check: (config) => config.budgets.flatMap(({ scope }, index): ConfigProblem[] => {
    const { kind, name } = readScope(scope, config.identity);
    if (kind === 'organization') return [];
    if (kind !== 'client') {
      return hasIdentity(config) ? [] : [valueProblem(`budgets[${index}].scope.${kind}`, 'absent where there are no persons', 'given', 'add identity.issuers or identity.sign_in')];
    }
    const names = callersWithKeys(config);
    if (name === true || names.includes(name)) return [];
    const near = nearestName(name, names);
    return [valueProblem(`budgets[${index}].scope.client`, `true or one of ${names.join(', ')}`, nameReceived(name, false), near === undefined ? '' : `did you mean ${JSON.stringify(near)}?`)];
  }),
};

function callersWithKeys(config: Pick<GatewayConfig, 'clients' | 'identity'>): string[] {
  return config.clients.length === 0 && !hasIdentity(config) ? ['anonymous'] : config.clients.map(({ name }) => name);
}

const spendingIsStored: CrossFieldRule = {
  reads: ['budgets', 'admin', 'state'],
  check: (config) => {
    if (config.state.store !== undefined) return [];
    const why = 'a gateway that was started without a store counts no spending: restart it';
    return [
      ...(config.budgets.length === 0 ? [] : [valueProblem('budgets', 'empty while state.store is absent', 'budgets', why)]),
      ...(hasAdmin(config) ? [valueProblem('admin', 'without keys and groups while state.store is absent', 'some', why)] : []),
    ];
  },
};

const adminKeysAreDistinct: CrossFieldRule = {
  reads: ['admin', 'clients', 'operations.token'],
  check: ({ admin, clients, operations }) => {
    const keys = [...admin.write_keys.map((key, index) => ({ key, at: `admin.write_keys[${index}]` })), ...admin.read_keys.map((key, index) => ({ key, at: `admin.read_keys[${index}]` }))];
    const clientOf = new Map(clients.flatMap((client, index) => clientKeys(client).map(({ sha256 }): [string, number] => [sha256, index])));
    return keys.flatMap(({ key, at }, index): ConfigProblem[] => {
      const first = keys.findIndex((other) => other.key === key);
      const client = clientOf.get(digestOf(key));
      return [
        ...(first === index ? [] : [valueProblem(at, `other than ${keys[first]?.at}`, 'the same key')]),
        ...(client === undefined ? [] : [valueProblem(at, `other than the key of clients[${client}]`, 'the same key', 'a key that spends must not change what it may spend')]),
        ...(operations.token === key ? [valueProblem(at, 'other than operations.token', 'the same key')] : []),
      ];
    });
  },
};

const adminsCanSignIn: CrossFieldRule = {
  reads: ['admin.groups', 'identity.issuers', 'identity.sign_in'],
  check: (config) => (config.admin.groups.length === 0 || hasIdentity(config)
    ? [] : [valueProblem('admin.groups', 'empty where there are no persons', 'a list', 'add identity.issuers or identity.sign_in')]),
};

/** Budgets, and who may change them. */
export const moneyRules: readonly CrossFieldRule[] = [budgetsAreDistinct, poolsAreShared, budgetsNameWhatExists, spendingIsStored, adminKeysAreDistinct, adminsCanSignIn];
