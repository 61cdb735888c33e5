/** One client's request as it arrives at a gateway, and what must leave it. */
export interface CapturedRequest {
  readonly client: string;
  /** Name and value a line, as on the wire. */
  readonly received: string;
  /** The same without what belongs to the hop, the credential and the gateway. */
  readonly crosses: string;
  readonly dropped: Readonly<Record<string, string>>;
}

const HOP = { host: 'framing', connection: 'hop_by_hop', 'content-length': 'framing' };

/** Fields that few clients send. */
const CONDITIONS_AND_TRACES = `accept: */*
anthropic-version: 2023-06-01
content-type: application/json
content-encoding: gzip
Content-Language: en
content-digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:
content-md5: kAFQmDzST7DWlj99KOF/cg==
If-Match: "a"
if-none-match: "b"
if-modified-since: Thu, 01 Jan 2026 00:00:00 GMT
if-unmodified-since: Thu, 01 Jan 2026 00:00:00 GMT
if-range: "a"
range: bytes=0-99
cache-control: no-cache
pragma: no-cache
Idempotency-Key: 3f0c
priority: u=1, i
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
tracestate: vendor=1
baggage: team=blue`;

/** Shaped after each client's own requests; the keys are made up. */
export const CAPTURED_REQUESTS: readonly CapturedRequest[] = [
  {
    client: 'Claude Code 2.1.330',
    received: `
accept: application/json
anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24
anthropic-dangerous-direct-browser-access: true
anthropic-version: 2023-06-01
content-type: application/json
user-agent: claude-cli/2.1.330 (external, sdk-cli)
x-api-key: sk-ant-api03-client
x-app: cli
X-Claude-Code-Session-Id: 6f9df5ac-6d2d-4c3b-8f1c-3b5a2f8f3c11
X-Stainless-Arch: x64
X-Stainless-Lang: js
X-Stainless-OS: Linux
X-Stainless-Package-Version: 0.128.0
X-Stainless-Retry-Count: 0
X-Stainless-Runtime: node
X-Stainless-Runtime-Version: v24.3.0
X-Stainless-Timeout: 600
Connection: keep-alive
Host: 127.0.0.1:8000
Accept-Encoding: gzip, deflate, br, zstd
Content-Length: 86214`,
    crosses: `
accept: application/json
anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24
anthropic-dangerous-direct-browser-access: true
anthropic-version: 2023-06-01
content-type: application/json
user-agent: claude-cli/2.1.330 (external, sdk-cli)
x-app: cli
X-Claude-Code-Session-Id: 6f9df5ac-6d2d-4c3b-8f1c-3b5a2f8f3c11
X-Stainless-Arch: x64
X-Stainless-Lang: js
X-Stainless-OS: Linux
X-Stainless-Package-Version: 0.128.0
X-Stainless-Retry-Count: 0
X-Stainless-Runtime: node
X-Stainless-Runtime-Version: v24.3.0
X-Stainless-Timeout: 600
Accept-Encoding: gzip, deflate, br, zstd`,
    dropped: { ...HOP, 'x-api-key': 'credential' },
  },
  {
    client: 'Claude Code 2.1.330 with apiKeyHelper and custom headers',
    received: `
Authorization: Bearer sk-ant-api03-client
x-api-key: sk-ant-api03-client
anthropic-version: 2023-06-01
anthropic-beta: oauth-2025-04-20,claude-code-20250219
anthropic-new-thing: tomorrow
X-Team: payments
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
content-type: application/json
Host: gateway.internal`,
    crosses: `
anthropic-version: 2023-06-01
anthropic-beta: oauth-2025-04-20,claude-code-20250219
anthropic-new-thing: tomorrow
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
content-type: application/json`,
    dropped: { authorization: 'credential', 'x-api-key': 'credential', 'x-team': 'not_allowed', host: 'framing' },
  },
  {
    client: 'TypeScript SDK 1.12',
    received: `
host: localhost:8000
connection: keep-alive
accept: application/json
anthropic-version: 2026-10-21
authorization: Bearer sk-ant-api03-client
content-type: application/json
user-agent: Anthropic/JS 1.12.0
x-stainless-arch: x64
x-stainless-lang: js
x-stainless-os: Linux
x-stainless-package-version: 1.12.0
x-stainless-retry-count: 0
x-stainless-runtime: node
x-stainless-runtime-version: v26.10.0
x-stainless-timeout: 600
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate
content-length: 142`,
    crosses: `
accept: application/json
anthropic-version: 2026-10-21
content-type: application/json
user-agent: Anthropic/JS 1.12.0
x-stainless-arch: x64
x-stainless-lang: js
x-stainless-os: Linux
x-stainless-package-version: 1.12.0
x-stainless-retry-count: 0
x-stainless-runtime: node
x-stainless-runtime-version: v26.10.0
x-stainless-timeout: 600
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate`,
    dropped: { ...HOP, authorization: 'credential' },
  },
  {
    client: 'TypeScript SDK 0.71 with two beta lines',
    received: `
host: localhost:8000
connection: keep-alive
Accept: application/json
X-Api-Key: sk-ant-api03-client
anthropic-beta: files-api-2025-04-14
Anthropic-Version: 2023-06-01
anthropic-beta: code-execution-2025-08-25, mcp-client-2025-11-20
User-Agent: Anthropic/JS 0.71.0
X-Stainless-Helper-Method: stream
content-type: multipart/form-data; boundary=----formdata-undici-076483212345
transfer-encoding: chunked`,
    crosses: `
Accept: application/json
anthropic-beta: files-api-2025-04-14
Anthropic-Version: 2023-06-01
anthropic-beta: code-execution-2025-08-25, mcp-client-2025-11-20
User-Agent: Anthropic/JS 0.71.0
X-Stainless-Helper-Method: stream
content-type: multipart/form-data; boundary=----formdata-undici-076483212345`,
    dropped: { host: 'framing', connection: 'hop_by_hop', 'x-api-key': 'credential', 'transfer-encoding': 'hop_by_hop' },
  },
  {
    client: 'Python SDK over httpx, replaying a cookie',
    received: `
Host: localhost:8000
Accept-Encoding: gzip, deflate, br, zstd
Connection: keep-alive
Accept: application/json
Content-Type: application/json
User-Agent: Anthropic/Python 0.97.0
X-Stainless-Lang: python
X-Stainless-Async: async:asyncio
x-stainless-read-timeout: 600
X-Api-Key: sk-ant-api03-client
anthropic-version: 2023-06-01
Content-Length: 99
Cookie: _cfuvid=made.up-1743
cf-connecting-ip: 203.0.113.7`,
    crosses: `
Accept-Encoding: gzip, deflate, br, zstd
Accept: application/json
Content-Type: application/json
User-Agent: Anthropic/Python 0.97.0
X-Stainless-Lang: python
X-Stainless-Async: async:asyncio
x-stainless-read-timeout: 600
anthropic-version: 2023-06-01`,
    dropped: { ...HOP, 'x-api-key': 'credential', cookie: 'cookie', 'cf-connecting-ip': 'forwarding' },
  },
  {
    client: 'Vercel AI SDK 4',
    received: `
host: localhost:8000
connection: keep-alive
content-type: application/json
x-api-key: sk-ant-api03-client
anthropic-version: 2023-06-01
user-agent: ai/7.0.173 ai-sdk/anthropic/4.0.105 ai-sdk/provider-utils/5.0.1 runtime/node.js/v26.10.0
accept: */*
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate
content-length: 87`,
    crosses: `
content-type: application/json
anthropic-version: 2023-06-01
user-agent: ai/7.0.173 ai-sdk/anthropic/4.0.105 ai-sdk/provider-utils/5.0.1 runtime/node.js/v26.10.0
accept: */*
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate`,
    dropped: { ...HOP, 'x-api-key': 'credential' },
  },
  {
    client: 'n8n over axios, behind a load balancer',
    received: `
Accept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7
Content-Type: application/json
anthropic-version: 2023-06-01
x-api-key: sk-ant-api03-client
User-Agent: axios/1.12.0
Content-Length: 210
Accept-Encoding: gzip, compress, deflate, br
X-Forwarded-For: 10.0.0.7
X-Forwarded-Proto: https
Via: 1.1 corporate-proxy
Proxy-Connection: keep-alive
TE: trailers
Expect: 100-continue
Upgrade: h2c
HTTP2-Settings: AAMAAABkAAQAAP__
Host: gateway.internal
Connection: keep-alive, Upgrade, HTTP2-Settings, TE`,
    crosses: `
Accept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7
Content-Type: application/json
anthropic-version: 2023-06-01
User-Agent: axios/1.12.0
Accept-Encoding: gzip, compress, deflate, br
Via: 1.1 corporate-proxy`,
    dropped: {
      ...HOP, 'x-api-key': 'credential', 'x-forwarded-for': 'forwarding', 'x-forwarded-proto': 'forwarding',
      'proxy-connection': 'hop_by_hop', te: 'hop_by_hop', expect: 'framing', upgrade: 'hop_by_hop', 'http2-settings': 'hop_by_hop',
    },
  },
  {
    client: 'a client of files and lists, with conditions, ranges, digests and trace context',
    received: `
host: gateway.example
x-api-key: sk-ant-api03-client
${CONDITIONS_AND_TRACES}`,
    crosses: CONDITIONS_AND_TRACES,
    dropped: { host: 'framing', 'x-api-key': 'credential' },
  },
];

/** An answer of the API through its edge, with everything that must not reach a client of ours. */
export const CAPTURED_RESPONSE = `
Date: Wed, 19 Aug 2026 14:34:11 GMT
Content-Type: text/event-stream; charset=utf-8
Content-Encoding: gzip
Transfer-Encoding: chunked
Connection: keep-alive
Cache-Control: no-cache
anthropic-ratelimit-requests-limit: 4000
anthropic-ratelimit-requests-remaining: 3999
anthropic-ratelimit-unified-5h-utilization: 0.12
retry-after: 10
request-id: req_011CSHoEeqs5C35K2UUqR7Fy
anthropic-organization-id: 27796668-7351-40ac-acc4-024aee8995a5
strict-transport-security: max-age=31536000; includeSubDomains; preload
Server: cloudflare
Set-Cookie: _cfuvid=made.up; path=/; HttpOnly
via: 1.1 google
alt-svc: h3=":443"; ma=86400
vary: Accept-Encoding
CF-RAY: 8d5f1c2e3a4b5c6d-FRA
x-robots-tag: none`;

/** Turns lines of `name: value` into a flat raw array. */
export function fieldsOf(lines: string): string[] {
  return lines.trim().split('\n').flatMap((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}
