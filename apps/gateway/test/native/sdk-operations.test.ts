import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findRoute } from '../../src/native/route-table.ts';

/** One operation of the API as the installed SDK calls it, its parameters filled in. */
interface Operation {
  readonly method: string;
  readonly path: string;
}

const RESOURCES = join(dirname(fileURLToPath(import.meta.resolve('@anthropic-ai/sdk'))), 'resources');
const CALL = /\b_client\.(\w+)\(/g;
const READABLE_CALL = /\b_client\.(get|post|put|patch|delete|getAPIList)\(\s*(?:path\s*)?[`']([^`']*)[`']/g;
/** A call of the client that is no request. */
const NO_REQUEST = 'calculateNonstreamingTimeout';

const sources = readdirSync(RESOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.mjs')).map((file) => readFileSync(join(RESOURCES, file), 'utf8'));

function operationsOf(source: string): Operation[] {
  return [...source.matchAll(READABLE_CALL)].map(([, call = '', template = '']) => ({
    method: call === 'getAPIList' ? 'GET' : call.toUpperCase(),
    path: template.replaceAll(/\$\{\w+\}/g, 'id_1').split('?')[0] ?? '',
  }));
}

const operations = sources.flatMap(operationsOf);
const routeOf = ({ path }: Operation): ReturnType<typeof findRoute> => findRoute(`/anthropic${path}`);
const named = (list: readonly Operation[]): string[] => list.map(({ method, path }) => `${method} ${path}`);

describe('every operation of the installed SDK has a route', () => {
  test('the sweep reads each request that the SDK makes (a call in another form would hide an operation)', () => {
    const calls = sources.flatMap((source) => [...source.matchAll(CALL)]).filter(([, call]) => call !== NO_REQUEST);
    expect(operations.length).toBe(calls.length);
    expect(operations.length).toBeGreaterThan(250);
    expect(operations.every(({ path }) => /^\/v1\/[\w/-]+$/.test(path))).toBe(true);
  });

  test('the table knows each path by name, and its group says who may call it', () => {
    expect(named(operations.filter((operation) => routeOf(operation)?.group === undefined))).toEqual([]);
  });

  test('each route takes the method of each of its operations', () => {
    expect(named(operations.filter((operation) => routeOf(operation)?.methods.includes(operation.method) !== true))).toEqual([]);
  });

  test('each operation that sends a body has a route that takes one', () => {
    expect(named(operations.filter((operation) => operation.method === 'POST' && routeOf(operation)?.maxBodyBytes === 0))).toEqual([]);
  });

  test('administration: this group alone holds the operations that administer the organization or reveal a secret', () => {
    const isAdministration = ({ path }: Operation): boolean => /^\/v1\/(?:organizations|compliance)\/|\/(?:reveal|rotate)_token$/.test(path);
    const misplaced = operations.filter((operation) => (routeOf(operation)?.group === 'admin') !== isAdministration(operation));
    expect(named(misplaced)).toEqual([]);
    expect(operations.filter(isAdministration).length).toBeGreaterThan(50);
  });
});
