export { WORKLOADS } from './workloads/all-workloads.ts';
export type { Workload, Sample } from './workloads/workload.ts';
export type { WorkloadResult } from './workloads/run-workload.ts';
