/** Steps that a store did not take, repeated until it does or none is owed. */
export interface OwedSteps {
  /** Owes a step to the store; `id` is one of the lease and the kind of step. */
  owe(id: string, step: () => Promise<void>): void;
  close(): void;
}

/** How often what is owed is tried again, as a part of the time between renewals. */
const RETRIES_PER_RENEWAL = 10;
/** What is not renewed lives as long as three renewals take; after that nothing is owed. */
const RETRIES = 3 * RETRIES_PER_RENEWAL;

/** Makes the list of what is owed; it never holds a step longer than an unrenewed lease lives. */
export function createOwedSteps(renewEveryMs: number): OwedSteps {
  const owed = new Map<string, { readonly step: () => Promise<void>; retriesLeft: number }>();
  let retry: NodeJS.Timeout | undefined;

  function tryAgain(): void {
    retry = undefined;
    for (const [id, debt] of owed) {
      debt.retriesLeft -= 1;
      const settle = (): void => { owed.delete(id); };
      debt.step().then(settle, debt.retriesLeft > 0 ? () => undefined : settle);
    }
    retryLater();
  }

  function retryLater(): void {
    if (owed.size === 0 || retry !== undefined) return;
    retry = setTimeout(tryAgain, renewEveryMs / RETRIES_PER_RENEWAL);
    retry.unref();
  }

  return {
    owe: (id, step) => {
      owed.set(id, { step, retriesLeft: RETRIES });
      retryLater();
    },
    close: () => clearTimeout(retry),
  };
}
