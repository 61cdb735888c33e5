import { isWildcardHost } from '../../config/loopback.ts';
import { loadConfig, type LoadConfigOptions } from '../../config/load-config.ts';

/** Where the status of a gateway is read, and with which token. */
export interface OperationsAddress {
  readonly origin: string;
  readonly token: string | undefined;
}

/**
 * Finds the operations listener: at the URL, or where the configuration of this machine puts it. A key for the API is not needed. Throws a
 * `ConfigError` for a configuration that is not sound.
 */
export function findOperations({ argv, environment, workingDirectory }: Omit<LoadConfigOptions, 'simulate'>, url: string | undefined): OperationsAddress {
  const token = environment['PENSTOCK_OPERATIONS_TOKEN'];
  if (url !== undefined) return { origin: url.replace(/\/+$/, ''), token: token === '' ? undefined : token };
  const { host, port, token: configured } = loadConfig({ argv, environment, workingDirectory, simulate: true }).config.operations;
  const reached = isWildcardHost(host) ? '127.0.0.1' : host;
  return { origin: `http://${reached.includes(':') && !reached.startsWith('[') ? `[${reached}]` : reached}:${port}`, token: configured };
}
