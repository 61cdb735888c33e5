import { Gauge, type Registry } from 'prom-client';

/** What Anthropic limits, as it names it in `anthropic-ratelimit-<name>-…`; the priority and fast tiers have families of their own. */
const QUOTA_FIELD = /^anthropic-(ratelimit|priority|fast)-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)$/;

/** The family that subscriptions get: a utilization, a status and a reset for each window, such as `5h` and `7d`. */
const UNIFIED_FIELD = /^anthropic-ratelimit-unified-(?:([a-z0-9_]{1,20})-)?(utilization|reset|status)$/;

/** The unified family is open, so what it may create is bounded; windows beyond this many are not recorded. */
const MAX_UNIFIED_WINDOWS = 8;

/** The statuses of the unified family from best to worst; an unknown one is not recorded. */
const UNIFIED_STATUSES: readonly string[] = ['allowed', 'allowed_warning', 'rejected'];

/** What the last responses said of the quota; made of plain maps, since most responses carry these fields. */
export interface QuotaGauges {
  /** Reads the quota fields of one response; others are passed over at the cost of a character comparison. */
  read(rawHeaders: readonly string[], upstream: string): void;
}

type Readings = Map<string, { readonly labels: Record<string, string>; value: number }>;

function declareGauge(registry: Registry, name: string, help: string, label: string): Readings {
  const readings: Readings = new Map();
  registry.registerMetric(new Gauge({
    name, help, registers: [], labelNames: ['upstream', label],
    collect(): void {
      for (const { labels, value } of readings.values()) this.set(labels, value);
    },
  }));
  return readings;
}

/** Reads RFC 3339 (the API-key family) or Unix seconds (the unified family) as Unix seconds. */
function resetSeconds(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000;
}

/** An empty or unreadable value is NaN, which is not remembered. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function readUnifiedValue(kind: string, text: string): number {
  if (kind === 'reset') return resetSeconds(text);
  if (kind === 'utilization') return numberOf(text);
  const status = UNIFIED_STATUSES.indexOf(text);
  return status === -1 ? Number.NaN : status;
}

function remember(readings: Readings, upstream: string, label: string, key: string, value: number): void {
  if (!Number.isFinite(value)) return;
  const id = `${upstream}\n${key}`;
  const known = readings.get(id);
  if (known === undefined) readings.set(id, { labels: { upstream, [label]: key }, value });
  else known.value = value;
}

/**
 * Creates the gauges of Anthropic's rate-limit headers.
 *
 * A series is absent until a response carried its header: a quota that starts at 0 would look spent. After the time in `…_reset_timestamp_seconds`
 * the other values are history.
 */
export function createQuotaGauges(registry: Registry): QuotaGauges {
  const quota: Readonly<Record<string, Readings>> = {
    limit: declareGauge(registry, 'penstock_anthropic_ratelimit_limit', 'The upstream quota for each window, as its last response said.', 'limit'),
    remaining: declareGauge(registry, 'penstock_anthropic_ratelimit_remaining',
      'What is left of the upstream quota, as its last response said; tokens are rounded to thousands by the API.', 'limit'),
    reset: declareGauge(registry, 'penstock_anthropic_ratelimit_reset_timestamp_seconds', 'Unix time at which the upstream quota is full again.', 'limit'),
  };
  const unified: Readonly<Record<string, Readings>> = {
    utilization: declareGauge(registry, 'penstock_anthropic_unified_utilization_ratio',
      'The used part of a subscription window, 0 to 1; above 1 when it is overdrawn.', 'window'),
    status: declareGauge(registry, 'penstock_anthropic_unified_status',
      'The status of a subscription window: 0 allowed, 1 allowed with a warning, 2 rejected.', 'window'),
    reset: declareGauge(registry, 'penstock_anthropic_unified_reset_timestamp_seconds', 'Unix time at which a subscription window starts anew.', 'window'),
  };
  const windows = new Set<string>();

  function readUnified(name: string, value: string, upstream: string): void {
    const [, window = 'all', kind = ''] = UNIFIED_FIELD.exec(name) ?? [];
    const readings = unified[kind];
    if (readings === undefined || (!windows.has(window) && windows.size >= MAX_UNIFIED_WINDOWS)) return;
    windows.add(window);
    remember(readings, upstream, 'window', window, readUnifiedValue(kind, value));
  }

  function readField(name: string, value: string, upstream: string): void {
    const [, family = '', subject = '', kind = ''] = QUOTA_FIELD.exec(name) ?? [];
    const readings = quota[kind];
    if (readings === undefined) return readUnified(name, value, upstream);
    const limit = `${family === 'ratelimit' ? '' : `${family}_`}${subject.replace('-', '_')}`;
    remember(readings, upstream, 'limit', limit, kind === 'reset' ? resetSeconds(value) : numberOf(value));
  }

  return {
    read(rawHeaders, upstream) {
      for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
        const name = rawHeaders[index] ?? '';
        // 'anthropic-…' in either case; everything else leaves here.
        if ((name.charCodeAt(0) | 32) === 97 && name.length > 20) readField(name.toLowerCase(), rawHeaders[index + 1] ?? '', upstream);
      }
    },
  };
}
