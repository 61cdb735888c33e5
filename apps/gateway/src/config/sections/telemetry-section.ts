import { z } from 'zod';
import { isForbiddenHost } from '../../access/identity/forbidden-address.ts';
import { isPlainLoopbackHost } from '../loopback.ts';
import { baseUrl, list, pem, proxyUrl } from './field-kinds.ts';

/** The signals of OTLP over HTTP. */
export const TELEMETRY_SIGNALS = ['metrics', 'logs', 'traces'] as const;

/** One of `TELEMETRY_SIGNALS`. */
export type TelemetrySignalName = (typeof TELEMETRY_SIGNALS)[number];

/** A collector of what clients report. */
export interface TelemetryTargetConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signals: readonly TelemetrySignalName[];
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
}

/** Where the telemetry of Claude Code goes. */
export interface TelemetryConfig {
  readonly forward_to: readonly TelemetryTargetConfig[];
  readonly resource_attributes: Readonly<Record<string, string>>;
}

const COLLECTOR_EXPECTED = 'an https:// URL, or an http:// one of localhost or of a loopback address, of no link-local or metadata address';
const FIELD_VALUE = 'a value of a header field, of at most 4096 characters';
const ATTRIBUTE_VALUE = 'a string of at most 256 characters';

function isCollectorUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null) return false;
  return (url.protocol === 'https:' || isPlainLoopbackHost(url.hostname)) && !isForbiddenHost(url.hostname);
}

const targetSection: z.ZodType<TelemetryTargetConfig> = z.strictObject({
  url: baseUrl().refine(isCollectorUrl, { error: COLLECTOR_EXPECTED }).describe('Base URL of an OTLP/HTTP collector; `/v1/metrics` and the like follow it. `https:`, or `http:` on this machine.'),
  headers: z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,128}$/, 'the name of a header field'), z.string(FIELD_VALUE).max(4_096, FIELD_VALUE).regex(/^[\x20-\x7e]*$/, FIELD_VALUE), 'an object of header fields').default({})
    .describe('Secret. Sent with every batch, such as the collector\'s key.'),
  signals: list(z.enum(TELEMETRY_SIGNALS, `one of ${TELEMETRY_SIGNALS.join(', ')}`)).min(1, 'at least one signal').default(['metrics'])
    .describe('What it is sent. Logs and traces can hold what persons typed.'),
  ca: pem('certificates of a private authority for the collector').optional().describe('PEM text or file: authorities to trust beside the usual ones.'),
  proxy: proxyUrl().optional().describe('Egress proxy to the collector. Absent: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` excludes the host. Credentials in it are secret.'),
}, 'an object with url');

/** The schema of `telemetry`. */
export const telemetrySection: z.ZodType<TelemetryConfig> = z.strictObject({
  forward_to: list(targetSection).default([]).describe('Collectors. With one, the managed settings of persons switch their telemetry on and point it here.'),
  resource_attributes: z.record(z.string().regex(/^[\w.-]{1,128}$/, 'the name of an attribute'), z.string(ATTRIBUTE_VALUE).max(256, ATTRIBUTE_VALUE), 'an object of attributes').default({})
    .describe('Added to everything that is reported.'),
}, 'an object');
