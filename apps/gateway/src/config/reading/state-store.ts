import { resolve } from 'node:path';
import type { GatewayConfig } from '../gateway-config.ts';
import { SQLITE_SCHEME } from '../sections/state-section.ts';

const DEFAULT_FILE = 'penstock.db';

/** Fills in the store where something needs one, and makes the path of its file absolute: it stands beside the configuration, wherever the process was started. */
export function withStateStore(config: GatewayConfig, directory: string): GatewayConfig {
  const store = config.state.store ?? (config.identity.sign_in === undefined ? undefined : SQLITE_SCHEME + DEFAULT_FILE);
  if (store === undefined || !store.startsWith(SQLITE_SCHEME)) return config;
  return { ...config, state: { ...config.state, store: SQLITE_SCHEME + resolve(directory, store.slice(SQLITE_SCHEME.length)) } };
}
