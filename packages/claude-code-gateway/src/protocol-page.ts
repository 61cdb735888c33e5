import { GATEWAY_PROTOCOL_VERSION } from './discovery-document.ts';
import type { GatewayAddresses } from './sign-in-parts.ts';

/** `GET /protocol`: what this gateway serves, for a person who looks into a client that does not sign in. */
export function renderProtocolPage({ base, publicUrl }: GatewayAddresses): string {
  return `# Claude Code gateway protocol, version ${GATEWAY_PROTOCOL_VERSION}

Gateway URL: \`${base}\`. Every path below follows it.

| endpoint | credential | answer |
|---|---|---|
| \`GET /.well-known/oauth-authorization-server\` | none | the endpoints (RFC 8414) |
| \`POST /oauth/device_authorization\` | none | device code and user code (RFC 8628) |
| \`GET, POST /device\` | browser | the form for the user code; then the identity provider, \`/oauth/callback\` and \`/device/confirm\` |
| \`POST /oauth/token\` | none | device code grant and refresh grant; form-encoded |
| \`POST /oauth/revoke\` | none | ends the session of an access or refresh token (RFC 7009) |
| \`GET /managed/settings\` | bearer | \`{"uuid","checksum","settings"}\` with \`ETag\`; 304 to \`If-None-Match\`; 404: no settings |
| \`POST /v1/messages\`, \`/v1/messages/count_tokens\` | bearer | the Anthropic API, byte for byte |
| \`GET /v1/models\` | bearer | the models |
| \`POST /v1/metrics\`, \`/v1/logs\`, \`/v1/traces\` | bearer | 200; OTLP over HTTP, relayed to the collectors that are configured |
| \`GET /user/bootstrap\` | bearer | configuration of Claude Desktop; 404: not configured |
| \`GET /protocol\` | none | this page |

Errors of the OAuth endpoints have the form of RFC 6749: \`{"error","error_description"}\`. Errors of the bearer endpoints have the form of the Anthropic
API. A 401 carries \`x-should-retry: false\`. A 503 never ends a session: the client keeps both tokens and tries again.

Refresh tokens are single use; the previous one yields the same successor for a short while, so that two processes can refresh at once. A refresh asks
the identity provider whether the account still exists.

A machine is pointed at this gateway by its managed settings file:

\`\`\`json
{ "forceLoginMethod": "gateway", "forceLoginGatewayUrl": "${base}" }
\`\`\`

The client accepts \`http:\` only for loopback, and otherwise \`https:\` at a private address; it pins the certificate of \`${publicUrl}\` at sign-in.
`;
}
