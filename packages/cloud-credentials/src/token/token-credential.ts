import type { CloudCredential, CredentialStatus, RenewalOptions } from '../cloud-credential.ts';
import { bearerFields } from './bearer-token.ts';
import { RenewedValue, type Expiring, type ValueSource } from './renewed-value.ts';

/** A bearer that a source renews. */
export function createTokenCredential(source: ValueSource<string>, options: RenewalOptions): CloudCredential {
  const fields = new RenewedValue<readonly string[]>({
    ...source,
    fetch: async (signal): Promise<Expiring<readonly string[]>> => {
      const { value, expiresAt } = await source.fetch(signal);
      return { value: bearerFields(value, source.name), expiresAt };
    },
  }, options);
  return {
    fieldsFor: () => fields.get(),
    renew: () => fields.renew(),
    refused: () => { fields.refused(); },
    status: (): CredentialStatus => fields.status(),
    close: () => { fields.close(); },
  };
}

/** A bearer that does not change. Throws a `CloudCredentialError` `invalid_value` where it cannot stand in a header field. */
export function createBearerCredential(token: string): CloudCredential {
  const fields = bearerFields(token, 'the bearer');
  return { fieldsFor: () => fields, renew: () => Promise.resolve(), refused: () => undefined, status: () => ({ state: 'ready' }), close: () => undefined };
}
