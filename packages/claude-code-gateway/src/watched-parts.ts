import type { IdentityProvider, ProviderAnswer } from './provider/identity-provider.ts';
import type { SqlDatabase } from './store/sql-database.ts';

/** Whether the last use of each part succeeded. */
export interface SignInHealth {
  readonly provider: boolean;
  readonly store: boolean;
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
