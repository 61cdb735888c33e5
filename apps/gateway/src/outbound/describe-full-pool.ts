/** The pool of an upstream client at the moment of a refusal; with several workers, one worker's part. */
export interface PoolCapacity {
  readonly maxConnections: number;
  readonly maxWaiting: number;
}

const OWN_LIMIT = 'This limit is the gateway\'s own, not the API\'s.';

/** The sentence for a request that got no connection in time. Clients show it, so it names whose capacity is spent, and how much that is. */
export function describeFullPool({ maxConnections }: PoolCapacity, upstream: string): string {
  return `${describeConnections(maxConnections, upstream)}, and none became free in time. ${OWN_LIMIT}`;
}

/** The sentence for a request that found the queue for a connection full. */
export function describeFullQueue({ maxConnections, maxWaiting }: PoolCapacity, upstream: string): string {
  return `${describeConnections(maxConnections, upstream)}, and ${maxWaiting === 1 ? '1 request waits' : `${maxWaiting} requests wait`} for one already. ${OWN_LIMIT}`;
}

function describeConnections(count: number, upstream: string): string {
  return count === 1 ? `This gateway's one connection to ${upstream} is in use` : `This gateway's ${count} connections to ${upstream} are all in use`;
}
