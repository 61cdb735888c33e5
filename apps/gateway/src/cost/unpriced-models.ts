import type { PartConditions } from '../observe/causes.ts';
import { createRequestedModel } from '../observe/log/requested-model.ts';
import { countOf } from '../observe/status/format-values.ts';
import type { RequestRecord } from '../request/request-record.ts';

/** Models that are remembered by name; those of a client that asks for ever new ones are counted with the last of them. */
export const MAX_UNPRICED_MODELS = 20;

/** How long a model is shown after its last request. Milliseconds. */
export const UNPRICED_SHOWN_MS = 3_600_000;

/** The models without a price that requests were charged for. */
export interface UnpricedModels {
  /** Notes a request whose price is not known. */
  note(record: Pick<RequestRecord, 'cost' | 'upstream'>): void;
  /** A warning while there was one in the last hour. */
  conditions(): PartConditions;
  /** Forgets all: there are other prices now. */
  clear(): void;
}

interface Entry {
  readonly name: string;
  readonly since: number;
  lastAt: number;
  requests: number;
}

/** Makes an empty memory. `report` is called once for each model, until `clear`. */
export function createUnpricedModels(report: (model: string, upstream: string | undefined) => void, now: () => number = Date.now): UnpricedModels {
  const entries = new Map<string, Entry>();
  const nameOf = createRequestedModel();

  function noteModel(model: string | undefined, upstream: string | undefined): void {
    const name = (model === undefined || model === '' ? undefined : nameOf(model)) ?? 'without a name';
    const at = now();
    const known = entries.get(name) ?? (entries.size >= MAX_UNPRICED_MODELS ? [...entries.values()].at(-1) : undefined);
    if (known !== undefined) {
      known.lastAt = at;
      known.requests += 1;
      return;
    }
    entries.set(name, { name, since: at, lastAt: at, requests: 1 });
    report(name, upstream);
  }

  return {
    note({ cost, upstream }) {
      for (const model of cost?.unpricedModels ?? [undefined]) noteModel(model ?? cost?.model, upstream);
    },
    conditions() {
      const shown = [...entries.values()].filter(({ lastAt }) => now() - lastAt <= UNPRICED_SHOWN_MS);
      const [first] = shown;
      if (first === undefined) return {};
      const requests = shown.reduce((sum, entry) => sum + entry.requests, 0);
      const others = shown.length === 1 ? '' : ` and ${countOf(shown.length - 1, 'other')}`;
      return { prices: { cause: 'price_missing', party: `${first.name}${others}`, since: first.since, detail: `${countOf(requests, 'request')} charged $5 and $25 per million tokens` } };
    },
    clear: () => entries.clear(),
  };
}
