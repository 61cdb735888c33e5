import '@penstock/option-names/supported-node';
export { createUpstreamGroup } from './create-upstream-group.ts';
export type { MemberStatus, UpstreamGroup } from './upstream-group.ts';
export {
  DEFAULT_FAIL_OVER_ON,
  type Failover, type FailOverOn, type GroupClient, type GroupDispatchOptions, type GroupEvents, type GroupMember, type GroupSettings, type RoutedRequest, type TryFailure, type TryRequest, type UpstreamGroupOptions,
} from './group-options.ts';
export { FAILOVER_REASONS, type FailoverReason } from './health/failure-effects.ts';
export type { CoolingReason, HealthState } from './health/cooling.ts';
export type { GroupNote, HealthNote, IllNote, LowNote, MoveNote, ProbeNote, WellNote } from './health/group-note.ts';
export type { MemberHealthView } from './health/member-health.ts';
export { readAnthropicQuota, type Quota, type ReadQuota } from './health/read-quota.ts';
export { editChunks, type BodyEdit } from './tries/body-edit.ts';
export { ReplayableBody, type FreeChunk } from './tries/replayable-body.ts';
export { isUpstreamGroupError, UPSTREAM_GROUP_ERROR_CODES, UpstreamGroupError, type UpstreamGroupErrorCode } from './upstream-group-error.ts';
