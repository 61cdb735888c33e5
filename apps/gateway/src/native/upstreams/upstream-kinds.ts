import type { FailOverOn } from '@penstock/upstream-group';
import type { EffectiveUpstream } from '../../config/native-upstreams.ts';
import type { UpstreamKind } from '../../config/sections/native-upstreams-section.ts';
import type { UpstreamTarget } from '../../request/request-trace.ts';

/** How requests to one kind of upstream are addressed, and what its answers mean. A new kind is a row here and in the configuration. */
interface KindTraits {
  /** Where requests go: origin and path prefix. */
  readonly urlOf: (upstream: EffectiveUpstream) => URL;
  readonly provider: UpstreamTarget['provider'];
  /** Of the listed statuses those that surely mean, from this kind, that the request did not run. */
  readonly refusesWith: (listed: readonly FailOverOn[]) => readonly FailOverOn[];
}

/** All kinds of upstreams. */
export const KIND_TRAITS: Readonly<Record<UpstreamKind, KindTraits>> = {
  anthropic: { urlOf: ({ base_url: base }) => new URL(base), provider: 'anthropic', refusesWith: (listed) => listed },
};
