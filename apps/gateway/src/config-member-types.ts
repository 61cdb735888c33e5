import type { OptionType } from '@penstock/option-names';
import type { GatewayConfig } from './config/gateway-config.ts';

/** The members of a section that `loadConfig` always gives. */
type RequiredName<Section> = { [Name in keyof Section]-?: object extends Pick<Section, Name> ? never : undefined extends Section[Name] ? never : Name }[keyof Section];
type MemberTypes<Section> = Readonly<Record<RequiredName<Section>, OptionType>>;
type SectionName = 'server' | 'operations' | 'anthropic_native' | 'identity' | 'admin' | 'state' | 'telemetry' | 'limits' | 'log' | 'openai_front_door';

/** The types of the members that each section must have: a configuration that was put together by hand would else fail deep inside. Their values are checked by `loadConfig`. */
export const CONFIG_MEMBER_TYPES: { readonly [Name in SectionName]: MemberTypes<GatewayConfig[Name]> } = Object.freeze({
  server: {
    host: 'string', port: 'number', workers: 'number', allowed_hosts: 'list', cors_origins: 'list', trusted_proxies: 'list', max_connections: 'number', keep_alive_timeout: 'number',
    unauthenticated_keep_alive_timeout: 'number', pre_stop_delay: 'number', drain_timeout: 'number',
  },
  operations: { host: 'string', port: 'number', page: 'boolean' },
  anthropic_native: {
    base_url: 'string', version: 'string', credentials: 'string', allow_insecure_base_url: 'boolean', timeout: 'number', timeouts: 'object', pool: 'object', route_groups: 'list',
    allow_unknown_routes: 'boolean', allow_request_headers: 'list', deny_response_headers: 'list', max_buffered_bytes: 'number', rewrite_batch_results_url: 'boolean',
    broken_streams: 'string', keep_alive_comments: 'number', upstreams: 'list', routing: 'object',
  },
  identity: { issuers: 'list' },
  admin: { write_keys: 'list', read_keys: 'list', groups: 'list', main_listener: 'boolean' },
  state: { on_failure: 'string', flush_interval: 'number' },
  telemetry: { forward_to: 'list', resource_attributes: 'object' },
  limits: { store: 'string', on_store_failure: 'string' },
  log: { level: 'string', destination: 'string', format: 'string', audit: 'string' },
  openai_front_door: {
    enabled: 'boolean', reasoning_content: 'boolean', later_system_messages: 'string', json_object: 'string', max_buffered_bytes: 'number', keep_alive_comments: 'number',
    backends: 'list', route_groups: 'list', models: 'list', model_capabilities: 'object', timeout: 'number', timeouts: 'object', pool: 'object',
  },
});
