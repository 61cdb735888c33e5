import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClientRules } from '../../../src/access/clients/client-rules.ts';
import { CLIENT_ROUTES, FRONT_DOOR_GROUPS, groupsWith, ROUTE_GROUPS } from '../../../src/config/sections/route-groups.ts';
import { RELAY_GROUPS } from '@penstock/openai-front-door';
import { NATIVE_ROUTES } from '../../../src/native/route-table.ts';
import { matchesGlob } from '../../../src/access/clients/matches-glob.ts';

const BASE = { name: 'one', key_sha256: 'a'.repeat(64) };

describe('models', () => {
  it('without a list every model is allowed, with one only what a pattern covers', () => {
    expect(createClientRules(BASE, 1)).toMatchObject({ restrictsModels: false });
    expect(createClientRules(BASE, 1).allowsModel('anything')).toBe(true);
    const rules = createClientRules({ ...BASE, models: ['claude-haiku-*', 'claude-opus-4-1'] }, 1);
    expect(rules.restrictsModels).toBe(true);
    expect(['claude-haiku-4-5', 'claude-opus-4-1', 'claude-opus-4-10', 'Claude-Haiku-4-5', '', 'xclaude-haiku-1'].map((model) => rules.allowsModel(model)))
      .toEqual([true, true, false, false, false, false]);
  });

  it('with a list, groups whose models cannot be read are closed, even when routes name them', () => {
    const rules = createClientRules({ ...BASE, models: ['*'], routes: ['batches', 'agents', 'unknown', 'messages', 'files'] }, 1);
    expect((['batches', 'agents', 'unknown', 'messages', 'files', 'models'] as const).map((group) => rules.allowsRouteGroup(group))).toEqual([false, false, false, true, true, false]);
    const everything = createClientRules({ ...BASE, models: ['*'], routes: [...CLIENT_ROUTES] }, 1);
    expect(CLIENT_ROUTES.filter((group) => everything.allowsRouteGroup(group))).toEqual(['messages', 'models', 'files', 'skills', 'message_threads', 'front_door', 'front_door_files', 'bedrock', 'vertex']);
  });
});

describe('route groups', () => {
  it('each has routes: the native ones in the route table, those of the front door in its package (a group without routes is a forgotten one)', () => {
    expect(new Set(NATIVE_ROUTES.map(({ group }) => group))).toEqual(new Set(ROUTE_GROUPS));
    expect(RELAY_GROUPS).toEqual(FRONT_DOOR_GROUPS);
  });

  it('those that several clients have unnamed are the ones that the page on hardening lists (a new one is open to them or not)', () => {
    const page = readFileSync(new URL('../../../../../docs/security-hardening.md', import.meta.url), 'utf8');
    const [, listed = ''] = /a client without `routes` may use (.*) alone\./.exec(page) ?? [];
    expect(Array.from(listed.matchAll(/`(\w+)`/g), ([, group]) => group)).toEqual(groupsWith(CLIENT_ROUTES, 'isShared', false));
  });
});

describe('routes', () => {
  it('a single client may use what is served', () => {
    expect(CLIENT_ROUTES.every((group) => createClientRules(BASE, 1).allowsRouteGroup(group))).toBe(true);
  });

  it('with two clients what they would see of each other is closed unless named', () => {
    expect(CLIENT_ROUTES.filter((group) => createClientRules(BASE, 2).allowsRouteGroup(group))).toEqual(['messages', 'models', 'front_door', 'bedrock', 'vertex']);
    expect(CLIENT_ROUTES.filter((group) => createClientRules({ ...BASE, routes: ['batches'] }, 2).allowsRouteGroup(group))).toEqual(['batches']);
  });
});

describe('message threads', () => {
  it('are continued by a single client, and by one of several only where its routes name them', () => {
    expect(createClientRules(BASE, 1).allowsMessageThreads).toBe(true);
    expect(createClientRules({ ...BASE, routes: ['messages'] }, 1).allowsMessageThreads).toBe(true);
    expect(createClientRules(BASE, 2).allowsMessageThreads).toBe(false);
    expect(createClientRules({ ...BASE, routes: ['messages', 'files'] }, 2).allowsMessageThreads).toBe(false);
    expect(createClientRules({ ...BASE, routes: ['messages', 'message_threads'] }, 2).allowsMessageThreads).toBe(true);
  });
});

describe('matchesGlob', () => {
  it('agrees with the regular expression that means the same', () => {
    // Few letters, so that a star often has to take back what it let the next letters match.
    const text = fc.string({ unit: fc.constantFrom('a', 'a', 'b', '.'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'a', 'b', '.', '*'), maxLength: 8 });
    fc.assert(fc.property(pattern, text, (glob, name) => {
      const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's');
      expect(matchesGlob(glob, name)).toBe(expression.test(name));
    }), { numRuns: 1_000 });
  });

  it.each([['*aab', 'aaab'], ['*ab*b', 'aabb'], ['a*ba', 'abbba'], ['*-4-*', 'claude-haiku-4-5']])('goes back to where a star began: %s covers %s', (glob, name) => {
    expect(matchesGlob(glob, name)).toBe(true);
  });

  it('ends on patterns that make regular expressions explode', () => {
    expect(matchesGlob('*a'.repeat(100), 'a'.repeat(20_000) + 'b')).toBe(false);
  });
});
