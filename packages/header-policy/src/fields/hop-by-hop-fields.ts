/**
 * The fields that belong to one connection and never cross, each with the section that says so.
 * `Connection` nominates more of them on each message (RFC 9110 §7.6.1); see {@link collectNominations}.
 */
export const HOP_BY_HOP_FIELDS: ReadonlyMap<string, string> = new Map([
  ['connection', 'RFC 9110 §7.6.1'],
  // "Close" is reserved as a field name, since `Connection: close` would nominate it.
  ['close', 'RFC 9112 §9.6'],
  ['keep-alive', 'RFC 9110 §7.6.1'],
  // Never standardised; old clients send it and a proxy that forwards it keeps connections open wrongly.
  ['proxy-connection', 'RFC 9112 Appendix C.2.2'],
  ['te', 'RFC 9110 §10.1.4'],
  // Announces trailer fields; trailers are not relayed (§6.5.1 allows that), so the announcement is not either.
  ['trailer', 'RFC 9110 §6.6.2'],
  ['transfer-encoding', 'RFC 9112 §6.1'],
  ['upgrade', 'RFC 9110 §7.8'],
  // Only meaningful beside `Upgrade: h2c`, the door of request tunnelling past a proxy.
  ['http2-settings', 'RFC 7540 §3.2.1'],
  // Only meaningful on CONNECT, which a gateway does not take.
  ['alpn', 'RFC 7639 §2'],
  // TRACE and OPTIONS only, and each hop would have to count it down.
  ['max-forwards', 'RFC 9110 §7.6.2'],
  ['proxy-authenticate', 'RFC 9110 §11.7.1'],
  ['proxy-authentication-info', 'RFC 9110 §11.7.3'],
]);
