/**
 * Response fields that speak for the upstream's origin, or to the server in front of us, and would be wrong or dangerous under ours.
 * Both shipped rule sets deny them; `server`, `via`, `cf-ray` and `content-security-policy` cross, clients print them in diagnostics.
 */
export const ORIGIN_SCOPED_RESPONSE_FIELDS: readonly string[] = Object.freeze([
  // Would move our clients to another host or port, past the gateway (RFC 7838 §3).
  'alt-svc',
  // Name resources under the upstream's origin, on any status (RFC 9110 sections 8.7 and 10.2.2): a client that follows them takes its key there.
  'location', 'content-location',
  // Would pin our host name to TLS in every browser for a year (RFC 6797 §6.1).
  'strict-transport-security', 'public-key-pins', 'public-key-pins-report-only', 'expect-ct',
  // Would have browsers report our traffic to the upstream's collectors.
  'nel', 'report-to', 'reporting-endpoints',
  // Would change what browsers keep for our origin.
  'clear-site-data', 'accept-ch', 'critical-ch', 'origin-agent-cluster', 'service-worker-allowed', 'refresh',
  // Which browser origins may read us is our decision.
  'access-control-*', 'timing-allow-origin', 'cross-origin-*',
  // Commands to a reverse proxy in front of us: nginx and Apache would serve a local file instead of the response.
  'x-accel-redirect', 'x-sendfile', 'x-lighttpd-send-file', 'x-reproxy-url',
]);
