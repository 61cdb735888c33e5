import type { Registry } from 'prom-client';
import { toQuotas, type Quota } from '../status/quota.ts';
import { createGauge, type GaugeName } from './gauges.ts';

/** What Anthropic limits, as it names it in `anthropic-ratelimit-<name>-…`; the priority and fast tiers have families of their own. */
const QUOTA_FIELD = /^anthropic-(ratelimit|priority|fast)-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)$/;

/** The family that subscriptions get: a utilization, a status and a reset for each window, such as `5h` and `7d`. */
const UNIFIED_FIELD = /^anthropic-ratelimit-unified-(?:([a-z0-9_]{1,20})-)?(utilization|reset|status)$/;

/** The unified family is open, so what it may create is bounded; windows beyond this many are not recorded. */
const MAX_UNIFIED_WINDOWS = 8;

/** How many spellings of field names are remembered; an upstream that invents more has them looked at anew each time. */
const MAX_REMEMBERED_NAMES = 200;

/** The statuses of the unified family from best to worst; an unknown one is not recorded. */
const UNIFIED_STATUSES: readonly string[] = ['allowed', 'allowed_warning', 'rejected'];

/** The quota of the last responses. */
export interface QuotaGauges {
  /** Reads the quota fields of one response; their text is only kept here, and parsed at scrape time. */
  read(rawHeaders: readonly string[], upstream: string): void;
  /** The same quotas as numbers. */
  quotas(): readonly Quota[];
}

/** Reads the text of a field; `NaN` is not recorded. */
type ReadValue = (text: string) => number;

/** The last text of a field of one upstream. */
interface KeptText {
  readonly upstream: string;
  readonly value: string;
  text: string;
}

/** Where the last text of a field is kept: one slot for each upstream. */
interface Target {
  readonly gauge: QuotaGauge;
  readonly value: string;
  readonly slots: Map<string, KeptText>;
  /** The slot written last: most gateways have one upstream. */
  latest: KeptText | undefined;
}

/** A name as it was written, and what it stands for. */
interface ReadName {
  readonly name: string;
  readonly target: Target | null;
}

/** A gauge and the last texts for it. */
interface QuotaGauge {
  readonly texts: Map<string, KeptText>;
  /** The numbers that can be read, by upstream and label. */
  numbers(): readonly { readonly upstream: string; readonly label: string; readonly number: number }[];
}

const readNumber: ReadValue = (text) => (text.trim() === '' ? Number.NaN : Number(text));

/** Reads RFC 3339 (the API-key family) or Unix seconds (the unified family) as Unix seconds. */
const readTime: ReadValue = (text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000);

const readStatus: ReadValue = (text) => (UNIFIED_STATUSES.includes(text) ? UNIFIED_STATUSES.indexOf(text) : Number.NaN);

function declareGauge(registry: Registry, name: GaugeName, label: string, readValue: ReadValue, help: string): QuotaGauge {
  const texts: QuotaGauge['texts'] = new Map();
  registry.registerMetric(createGauge({
    name, help, registers: [], labelNames: ['upstream', label],
    collect(): void {
      for (const { upstream, value, text } of texts.values()) {
        const number = readValue(text);
        // What cannot be read leaves the last value that could.
        if (Number.isFinite(number)) this.set({ upstream, [label]: value }, number);
      }
    },
  }));
  return {
    texts,
    numbers: () => Array.from(texts.values(), ({ upstream, value, text }) => ({ upstream, label: value, number: readValue(text) })).filter(({ number }) => Number.isFinite(number)),
  };
}

function keep(target: Target, upstream: string, text: string): void {
  if (target.latest?.upstream !== upstream) target.latest = target.slots.get(upstream) ?? openSlot(target, upstream);
  target.latest.text = text;
}

/** Two spellings of a name share a slot. */
function openSlot({ gauge, value, slots }: Target, upstream: string): KeptText {
  const key = `${upstream}\n${value}`;
  const slot = gauge.texts.get(key) ?? { upstream, value, text: '' };
  gauge.texts.set(key, slot);
  slots.set(upstream, slot);
  return slot;
}

function declareGauges(registry: Registry): { readonly quota: Readonly<Record<string, QuotaGauge>>; readonly unified: Readonly<Record<string, QuotaGauge>> } {
  return {
    quota: {
      limit: declareGauge(registry, 'penstock_anthropic_ratelimit_limit', 'limit', readNumber,
        'The upstream quota for each window, as its last response said.'),
      remaining: declareGauge(registry, 'penstock_anthropic_ratelimit_remaining', 'limit', readNumber,
        'What is left of the upstream quota, as its last response said; tokens are rounded to thousands by the API.'),
      reset: declareGauge(registry, 'penstock_anthropic_ratelimit_reset_timestamp_seconds', 'limit', readTime,
        'Unix time at which the upstream quota is full again.'),
    },
    unified: {
      utilization: declareGauge(registry, 'penstock_anthropic_unified_utilization_ratio', 'window', readNumber,
        'The used part of a subscription window, 0 to 1; above 1 when it is overdrawn.'),
      status: declareGauge(registry, 'penstock_anthropic_unified_status', 'window', readStatus,
        'The status of a subscription window: 0 allowed, 1 allowed with a warning, 2 rejected.'),
      reset: declareGauge(registry, 'penstock_anthropic_unified_reset_timestamp_seconds', 'window', readTime,
        'Unix time at which a subscription window starts anew.'),
    },
  };
}

/**
 * Creates the gauges of Anthropic's rate-limit headers.
 *
 * A series is absent until a response carried its header: a quota that starts at 0 would look spent. After the time in
 * `…_reset_timestamp_seconds` the other values are history.
 */
export function createQuotaGauges(registry: Registry): QuotaGauges {
  const { quota, unified } = declareGauges(registry);
  const windows = new Set<string>();
  // Field names as they were written, and what they stand for; nearly every response has the same dozen.
  const remembered = new Map<string, Target | null>();
  // The names of the last response in their order: the next one mostly has the same, and to compare costs a tenth of looking up.
  const lastNames: ReadName[] = [];

  function unifiedTarget(name: string): Target | undefined {
    const [, window = 'all', kind = ''] = UNIFIED_FIELD.exec(name) ?? [];
    const gauge = unified[kind];
    if (gauge === undefined || (!windows.has(window) && windows.size >= MAX_UNIFIED_WINDOWS)) return undefined;
    windows.add(window);
    return { gauge, value: window, slots: new Map(), latest: undefined };
  }

  function findTarget(name: string): Target | undefined {
    const [, family = '', subject = '', kind = ''] = QUOTA_FIELD.exec(name) ?? [];
    const gauge = quota[kind];
    if (gauge === undefined) return unifiedTarget(name);
    return { gauge, value: `${family === 'ratelimit' ? '' : `${family}_`}${subject.replace('-', '_')}`, slots: new Map(), latest: undefined };
  }

  function targetOf(name: string): Target | null {
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const target = findTarget(name.toLowerCase()) ?? null;
    if (remembered.size < MAX_REMEMBERED_NAMES) remembered.set(name, target);
    return target;
  }

  function targetAt(place: number, name: string): Target | null {
    const last = lastNames[place];
    if (last?.name === name) return last.target;
    const target = targetOf(name);
    if (place < MAX_REMEMBERED_NAMES) lastNames[place] = { name, target };
    return target;
  }

  return {
    quotas: () => toQuotas({
      limits: quota['limit']?.numbers() ?? [], remaining: quota['remaining']?.numbers() ?? [], resets: quota['reset']?.numbers() ?? [],
      used: unified['utilization']?.numbers() ?? [], windowResets: unified['reset']?.numbers() ?? [],
    }),
    read(rawHeaders, upstream) {
      let place = 0;
      for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
        const name = rawHeaders[index] ?? '';
        // 'anthropic-…' in either case; everything else leaves here.
        if ((name.charCodeAt(0) | 32) !== 97 || name.length <= 20) continue;
        const target = targetAt(place, name);
        place += 1;
        if (target !== null) keep(target, upstream, rawHeaders[index + 1] ?? '');
      }
    },
  };
}
