import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { SQLITE_SCHEME } from '../config/sections/state-section.ts';

/** A store that cannot be used at all, so that the gateway must not start. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** Whether the store is a file, which one process owns. */
export function isFileStore(store: string): boolean {
  return store.startsWith(SQLITE_SCHEME);
}

/**
 * Opens the store of a configuration; `undefined` where it has none. A file is opened at once, and one that another gateway uses is refused. A server is
 * connected to by the first transaction: one that is down keeps no gateway from starting.
 */
export async function openState({ state }: Pick<GatewayConfig, 'state'>): Promise<SqlDatabase | undefined> {
  const { store } = state;
  if (store === undefined) return undefined;
  if (!isFileStore(store)) {
    const { createPostgresDatabase } = await import('./postgres-database.ts');
    return createPostgresDatabase(store);
  }
  const path = store.slice(SQLITE_SCHEME.length);
  const { openSqliteThread } = await import('@penstock/claude-code-gateway/store');
  try {
    return await openSqliteThread(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StateError(describeFailure(path, reason), { cause: error });
  }
}

function describeFailure(path: string, reason: string): string {
  if (/locked/.test(reason)) return `state.store (${path}) is in use by another gateway: each gateway has a file of its own, and several share a postgres:// store.`;
  if (/malformed|not a database/.test(reason)) return `state.store (${path}) is damaged (${reason}): put a backup in its place, or move it and the files beside it away to begin with an empty one.`;
  return `state.store (${path}) cannot be opened: ${reason}`;
}
