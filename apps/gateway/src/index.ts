import '@penstock/option-names/supported-node';
export { createGateway, type Gateway } from './create-gateway.ts';
export type { GatewayOptions } from './gateway-options.ts';
export { isConfigError, type ConfigError, type ConfigProblem } from './config/config-error.ts';
export type { GatewayConfig } from './config/gateway-config.ts';
export { GatewayOptionError, isGatewayOptionError, type GatewayOptionErrorCode } from './gateway-option-error.ts';
export { loadConfig, type LoadConfigOptions, type LoadedConfig } from './config/load-config.ts';
export { createLogger, type ProcessLogger } from './observe/log/create-logger.ts';
export { createOperationsHandler, startOperationsServer, type OperationsHandler, type OperationsOptions, type OperationsServer } from './process/operations-server.ts';
