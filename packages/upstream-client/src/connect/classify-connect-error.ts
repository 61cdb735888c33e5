import type { ConnectFailureReason } from '../upstream-events.ts';
import type { UpstreamErrorCode } from '../upstream-error.ts';
import { errorCode } from '../thrown.ts';
import { ConnectTimeout } from './connector.ts';

/** What a failed connection attempt means. */
export interface ConnectFailure {
  readonly reason: ConnectFailureReason;
  readonly code: Extract<UpstreamErrorCode, 'connect_timeout' | 'unreachable' | 'tls'>;
}

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA', 'ESERVFAIL', 'ETIMEOUT']);
/** Node says `ERR_TLS_…`, OpenSSL `ERR_SSL_…` or `EPROTO`, and its verification has the X.509 codes listed in the documentation of `node:tls`. */
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_|ERROR_IN_C|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|INVALID_(?:CA|PURPOSE)$)|CERT|CRL/;

/** Names the reason of a failed connection attempt from the error's own codes. */
export function classifyConnectError(error: Error): ConnectFailure {
  if (error instanceof ConnectTimeout) return { reason: 'timeout', code: 'connect_timeout' };
  const code = errorCode(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return { reason: 'timeout', code: 'connect_timeout' };
  if (DNS_CODES.has(code)) return { reason: 'dns', code: 'unreachable' };
  if (code === 'ERR_PENSTOCK_PROXY') return { reason: 'proxy', code: 'unreachable' };
  if (TLS_CODE.test(code)) return { reason: 'tls', code: 'tls' };
  if (code === 'ECONNREFUSED') return { reason: 'refused', code: 'unreachable' };
  return { reason: 'network', code: 'unreachable' };
}
