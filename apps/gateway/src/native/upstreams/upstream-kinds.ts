import type { FailOverOn } from '@penstock/upstream-group';
import type { EffectiveUpstream } from '../../config/native-upstreams.ts';
import type { UpstreamKind } from '../../config/sections/upstream-kinds.ts';
import type { UpstreamTarget } from '../../request/request-trace.ts';

/** How requests to one kind of upstream are addressed, and what its answers mean. A new kind is a row here and in the configuration. */
interface KindTraits {
  readonly provider: UpstreamTarget['provider'];
  /** What a signature names as the service; `undefined` where requests are not signed. */
  readonly service: string | undefined;
  /** Fields of every request, whatever the credential. */
  readonly fields: (upstream: EffectiveUpstream) => readonly string[];
  /** Of the listed statuses those that surely mean, from this kind, that the request did not run. */
  readonly refusesWith: (upstream: EffectiveUpstream, listed: readonly FailOverOn[]) => readonly FailOverOn[];
}

const none: KindTraits['fields'] = () => [];
const workspace: KindTraits['fields'] = ({ workspace_id: id }) => (id === undefined ? [] : ['anthropic-workspace-id', id]);
/** In front of a cloud there may be a proxy that gives up on a request that runs, with a 503. */
const without503: KindTraits['refusesWith'] = ({ fail_over_on: own }, listed) => own ?? listed.filter((entry) => entry !== 503);

/** All kinds of upstreams. */
export const KIND_TRAITS: Readonly<Record<UpstreamKind, KindTraits>> = {
  anthropic: { provider: 'anthropic', service: undefined, fields: none, refusesWith: ({ fail_over_on: own }, listed) => own ?? listed },
  claude_platform_aws: { provider: 'anthropic', service: 'aws-external-anthropic', fields: workspace, refusesWith: without503 },
  bedrock_mantle: { provider: 'aws.bedrock', service: 'bedrock-mantle', fields: none, refusesWith: without503 },
  foundry: { provider: 'azure.ai.inference', service: undefined, fields: none, refusesWith: without503 },
  google: { provider: 'gcp.vertex_ai', service: undefined, fields: workspace, refusesWith: without503 },
};
