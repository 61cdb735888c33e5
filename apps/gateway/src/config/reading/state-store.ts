import { resolve } from 'node:path';
import type { GatewayConfig } from '../gateway-config.ts';
import { hasAdmin } from '../sections/admin-section.ts';
import { SQLITE_SCHEME } from '../sections/state-section.ts';

const DEFAULT_FILE = 'penstock.db';

/** Fills in the store where something needs one, and makes the path of its file absolute: it stands beside the configuration, wherever the process was started. */
export function withStateStore(config: GatewayConfig, directory: string): GatewayConfig {
  const needsStore = config.identity.sign_in !== undefined || config.budgets.length > 0 || hasAdmin(config);
  const store = config.state.store ?? (needsStore ? SQLITE_SCHEME + DEFAULT_FILE : undefined);
  if (store === undefined || !store.startsWith(SQLITE_SCHEME)) return config;
  return { ...config, state: { ...config.state, store: SQLITE_SCHEME + resolve(directory, store.slice(SQLITE_SCHEME.length)) } };
}
