import type { IdentityProvider, ProviderAnswer } from './provider/identity-provider.ts';
import type { SqlDatabase } from './store/sql-database.ts';

/** Whether the last use of each part succeeded. */
export interface SignInHealth {
  readonly provider: boolean;
  readonly store: boolean;
  /** When the provider failed first since its last answer, in Unix milliseconds; absent while it answers. */
  readonly providerFailingSince?: number;
  /** The same of the store. */
  readonly storeFailingSince?: number;
}

/** When each part failed first since it was well. */
export interface PartTimes {
  provider: number | undefined;
  store: number | undefined;
}

/** The health that follows from the times. */
export function describeHealth({ provider, store }: PartTimes): SignInHealth {
  return {
    provider: provider === undefined, store: store === undefined,
    ...(provider === undefined ? {} : { providerFailingSince: provider }), ...(store === undefined ? {} : { storeFailingSince: store }),
  };
}

/** Notes that a part is well, or that it fails. @param now Unix milliseconds */
export function notePart(times: PartTimes, part: keyof PartTimes, isWell: boolean, now: number): void {
  times[part] = isWell ? undefined : times[part] ?? now;
}

/** Reports how each transaction ended. */
export function watchDatabase(database: SqlDatabase, report: (isWell: boolean) => void): SqlDatabase {
  return {
    async run(statements) {
      try {
        const rows = await database.run(statements);
        report(true);
        return rows;
      } catch (error) {
        report(false);
        throw error;
      }
    },
    close: () => database.close(),
  };
}

/** Reports whether the provider could be asked; a refusal is an answer. */
export function watchProvider(provider: IdentityProvider, report: (isWell: boolean) => void): IdentityProvider {
  const noted = (answer: ProviderAnswer): ProviderAnswer => {
    report(answer.kind !== 'unavailable');
    return answer;
  };
  return {
    async authorizationUrl(checks) {
      const url = await provider.authorizationUrl(checks);
      report(url !== undefined);
      return url;
    },
    exchange: async (query, checks) => noted(await provider.exchange(query, checks)),
    refresh: async (refreshToken, known) => noted(await provider.refresh(refreshToken, known)),
    close: () => provider.close(),
  };
}
