import '@penstock/option-names/supported-node';
export { createProxyHandler, type ProxyHandler } from './create-proxy-handler.ts';
export type { ExchangeHooks, ExchangeRelayOptions, ExchangeSettings, ProxyUpstream } from './exchange/exchange-settings.ts';
export { OpenExchanges, type OpenExchange } from './exchange/open-exchanges.ts';
export { UpstreamExchange } from './exchange/upstream-exchange.ts';
export { fastifyProxy, type FastifyProxyReply, type FastifyProxyRequest, type FastifyScope } from './fastify-proxy.ts';
export { isProxyError, PROXY_ERROR_CODES, ProxyError, type ProxyErrorCode } from './proxy-error.ts';
export {
  DEFAULT_PROXY_LIMITS,
  type ProxyCall, type ProxyFailure, type ProxyHooks, type ProxyLimits, type ProxyOptions, type ProxyOutcome, type ProxyRelayOptions,
} from './proxy-options.ts';
export { statusOf, UPSTREAM_FAILURE_STATUS, type FailureStatus } from './status-of.ts';
