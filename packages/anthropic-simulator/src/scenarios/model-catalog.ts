import { ERROR_SCENARIOS } from './scenario-errors.ts';
import { modelRules } from '../validation/model-rules.ts';
import { SCENARIOS } from './scenario-catalog.ts';

/** A model as `/v1/models` lists it. */
export interface ModelInfo {
  readonly id: string;
  readonly type: 'model';
  readonly display_name: string;
  readonly created_at: string;
  readonly max_input_tokens: number;
  readonly max_tokens: number;
  readonly lifecycle: 'active' | 'deprecated';
  readonly line: string | null;
  readonly capabilities: null;
  readonly deprecated_at: null;
  readonly retires_at: null;
}

const CLAUDE_MODELS: ReadonlyArray<readonly [id: string, displayName: string, createdAt: string]> = [
  ['claude-sonnet-5-5', 'Claude Sonnet 5.5', '2026-09-28T00:00:00Z'],
  ['claude-opus-5-5', 'Claude Opus 5.5', '2026-09-22T00:00:00Z'],
  ['claude-opus-5', 'Claude Opus 5', '2026-08-04T00:00:00Z'],
  ['claude-sonnet-5', 'Claude Sonnet 5', '2026-06-30T00:00:00Z'],
  ['claude-fable-5', 'Claude Fable 5', '2026-06-09T00:00:00Z'],
  ['claude-opus-4-7', 'Claude Opus 4.7', '2026-04-14T00:00:00Z'],
  ['claude-sonnet-4-6', 'Claude Sonnet 4.6', '2026-02-17T00:00:00Z'],
  ['claude-opus-4-6', 'Claude Opus 4.6', '2026-02-04T00:00:00Z'],
  ['claude-opus-4-5-20251101', 'Claude Opus 4.5', '2025-11-24T00:00:00Z'],
  ['claude-haiku-4-5-20251001', 'Claude Haiku 4.5', '2025-10-15T00:00:00Z'],
  ['claude-sonnet-4-5-20250929', 'Claude Sonnet 4.5', '2025-09-29T00:00:00Z'],
];

/** Every model that is listed: the real ones first, then the scenarios, then the caller's own. */
export function modelCatalog(more: readonly string[]): readonly ModelInfo[] {
  const scenarios = [...Object.keys(SCENARIOS), ...ERROR_SCENARIOS].toSorted();
  return [
    ...CLAUDE_MODELS.map(([id, displayName, createdAt]) => modelInfo(id, displayName, createdAt)),
    ...scenarios.map((id) => modelInfo(id, `Simulated: ${id.replace(/^sim-/, '').replaceAll('-', ' ')}`, '2026-01-01T00:00:00Z')),
    ...more.map((id) => modelInfo(id, id, '2026-01-01T00:00:00Z')),
  ];
}

function modelInfo(id: string, displayName: string, createdAt: string): ModelInfo {
  const { maxOutputTokens } = modelRules(id);
  return {
    type: 'model', id, display_name: displayName, created_at: createdAt, capabilities: null, deprecated_at: null, lifecycle: 'active',
    line: /(opus|sonnet|haiku|fable)/.exec(id)?.[1] ?? null, max_input_tokens: 200_000, max_tokens: Number.isFinite(maxOutputTokens) ? maxOutputTokens : 64_000, retires_at: null,
  };
}
