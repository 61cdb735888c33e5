import type { GatewayAddresses } from './sign-in-parts.ts';

/** The version of the protocol between Claude Code and its gateway. */
export const GATEWAY_PROTOCOL_VERSION = 1;

/** `GET /.well-known/oauth-authorization-server` (RFC 8414): where the client finds the endpoints. It takes them only from this very origin. */
export function createDiscoveryDocument({ base }: GatewayAddresses): Readonly<Record<string, unknown>> {
  return {
    issuer: base,
    device_authorization_endpoint: `${base}/oauth/device_authorization`,
    token_endpoint: `${base}/oauth/token`,
    revocation_endpoint: `${base}/oauth/revoke`,
    grant_types_supported: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    scopes_supported: ['openid', 'profile', 'email'],
    gateway_protocol_version: GATEWAY_PROTOCOL_VERSION,
  };
}
