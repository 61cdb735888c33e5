/** A part of the budget that one request holds. Release it exactly once; further calls do nothing. */
export interface ByteLease {
  /** Makes the lease cover `bytes` in all; `false` when the budget or the client's share is spent. */
  cover(bytes: number): boolean;
  release(): void;
}

/** Bounds the request bytes that are held at once, over all requests and per client. */
export interface ByteBudget {
  lease(client: string): ByteLease;
  /** Bytes taken now. */
  taken(): number;
  /** Changes the bound; leases that are held stay. */
  resize(maxBytes: number): void;
}

const MIB = 1024 * 1024;
const SMALL_STEP = 64 * 1024;

/** A lease grows by 64 KiB up to 1 MiB and by 1 MiB above it, so that small bodies are not charged as large ones. */
function roundToStep(bytes: number): number {
  const step = bytes <= MIB ? SMALL_STEP : MIB;
  return Math.ceil(bytes / step) * step;
}

/**
 * A budget of `maxBytes` of which one client may hold a quarter, or `guaranteedBytes` if that is more: the largest body that is
 * accepted at all must not be refused for ever because the budget, or a worker's part of it, is small. Bytes are taken as they arrive: announcing a length takes
 * nothing, so that many idle announcements keep nobody out.
 */
export function createByteBudget(maxBytes: number, guaranteedBytes = 0): ByteBudget {
  let limit = maxBytes;
  let total = 0;
  const byClient = new Map<string, number>();

  const clientShare = (): number => Math.max(limit / 4, Math.min(limit, guaranteedBytes));

  const lease = (client: string): ByteLease => {
    let held = 0;
    let isReleased = false;
    return {
      cover(bytes) {
        if (isReleased) return false;
        if (bytes <= held) return true;
        const wanted = roundToStep(bytes);
        const more = wanted - held;
        const clientTotal = (byClient.get(client) ?? 0) + more;
        if (total + more > limit || clientTotal > clientShare()) return false;
        held = wanted;
        total += more;
        byClient.set(client, clientTotal);
        return true;
      },
      release() {
        if (isReleased) return;
        isReleased = true;
        total -= held;
        // A client that holds nothing keeps its entry: names are few, and a map that shrinks and grows keeps its old tables.
        if (held > 0) byClient.set(client, (byClient.get(client) ?? 0) - held);
      },
    };
  };
  return { lease, taken: () => total, resize: (bytes) => { limit = bytes; } };
}
