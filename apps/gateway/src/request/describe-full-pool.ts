/** The pool of an upstream client at the moment of a refusal; with several workers, one worker's part. */
export interface PoolCapacity {
  readonly maxConnections: number;
  readonly maxWaiting: number;
  /** Connections that long-lived requests hold, and may hold together. */
  readonly longLived: number;
  readonly maxLongLived: number;
}

/** What was refused, as its sentence names it. */
export interface RefusedRequest {
  /** What the connections lead to. */
  readonly upstream: string;
  /** Whether the request may use only the share of the long-lived ones. */
  readonly isLongLived: boolean;
}

const OWN_LIMIT = 'This limit is the gateway\'s own, not the API\'s.';

/** The sentence for a request that got no connection in time. Clients show it, so it names whose capacity is spent, and how much that is. */
export function describeFullPool(capacity: PoolCapacity, refused: RefusedRequest): string {
  return `${describeConnections(capacity, refused)}, and none became free in time. ${OWN_LIMIT}`;
}

/** The sentence for a request that found the queue for a connection full. */
export function describeFullQueue(capacity: PoolCapacity, refused: RefusedRequest): string {
  const { maxWaiting } = capacity;
  const queue = isShareSpent(capacity, refused) ? 'the queue for them is full' : maxWaiting === 1 ? '1 request waits for one already' : `${maxWaiting} requests wait for one already`;
  return `${describeConnections(capacity, refused)}, and ${queue}. ${OWN_LIMIT}`;
}

function isShareSpent({ longLived, maxLongLived }: PoolCapacity, { isLongLived }: RefusedRequest): boolean {
  return isLongLived && longLived >= maxLongLived;
}

function describeConnections(capacity: PoolCapacity, refused: RefusedRequest): string {
  const { maxConnections, maxLongLived } = capacity;
  if (isShareSpent(capacity, refused)) {
    return `This gateway lets uploads and long-lived streams hold ${maxLongLived} of its ${maxConnections} connections to ${refused.upstream} at once, and all of them are in use`;
  }
  return maxConnections === 1 ? `This gateway's one connection to ${refused.upstream} is in use` : `This gateway's ${maxConnections} connections to ${refused.upstream} are all in use`;
}
