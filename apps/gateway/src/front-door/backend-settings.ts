import type { BackendKind, FrontDoorConfig } from '../config/sections/front-door-section.ts';
import { toUpstreamClientSettings, type UpstreamClientSettings } from '../config/upstream-client-settings.ts';

/**
 * What the upstream client of a backend takes from the configuration. An OpenAI-compatible origin sends no pings: while its model thinks, or
 * its server reads a long prompt, it is as silent as before its first byte, and may be for as long.
 */
export function backendSettings(kind: BackendKind, config: FrontDoorConfig): UpstreamClientSettings {
  const settings = toUpstreamClientSettings(config);
  const idle = kind === 'openai' ? config.timeouts.openai_idle : config.timeouts.idle;
  return { ...settings, timeouts: { ...settings.timeouts, idleMs: idle * 1000 } };
}
