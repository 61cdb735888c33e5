import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler, type Sampler } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from './read-tracing-settings.ts';

const PARENT_BASED = 'parentbased_';

/** Makes the sampler that `OTEL_TRACES_SAMPLER` names. */
export function createSampler({ sampler, samplerRatio }: Pick<TracingSettings, 'sampler' | 'samplerRatio'>): Sampler {
  if (sampler.startsWith(PARENT_BASED)) return new ParentBasedSampler({ root: createRoot(sampler.slice(PARENT_BASED.length), samplerRatio) });
  return createRoot(sampler, samplerRatio);
}

function createRoot(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler();
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}
