import type { Logger } from 'pino';
import { hasIdentity, type IssuerConfig } from '../../config/sections/identity-section.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { ISSUER_PART, type Condition, type PartConditions } from '../../observe/causes.ts';
import { describeError } from '../../observe/log/describe-error.ts';
import { createPolicyBook, namedGroups } from '../policies/policy-book.ts';
import { createBearerAuthority, type BearerAuthority } from './bearer-authority.ts';
import type { BearerVerifier } from './bearer-verifier.ts';
import type { IssuerKeys, KeyTiming } from './issuer-keys.ts';

/** Who may call beside the clients with keys: the issuers of the configuration and their keys, over all reloads. */
export interface Identity {
  /** The authority for the bearers of a configuration; `undefined` where it knows none but clients. It remembers nothing of the one before. */
  authorityFor(config: Pick<GatewayConfig, 'identity' | 'policies' | 'budgets' | 'admin'>): BearerAuthority | undefined;
  /** Issuers whose keys could not be fetched. */
  conditions(): PartConditions;
  close(): void;
}

/** What identity is made of. */
export interface IdentityOptions {
  readonly logger: Logger;
  /** Judges the tokens of the gateway's own sign-in; absent where sign-in is off. */
  readonly signIn?: BearerVerifier | undefined;
  /** Whether a budget of the store names a group; asked for each token that is verified. @defaultValue none does */
  readonly isBudgetGroup?: ((group: string) => boolean) | undefined;
  /** Shorter clocks, for tests. */
  readonly keyTiming?: Partial<KeyTiming> | undefined;
}

/** The keys of one issuer, shared by all configurations that name it in the same way. */
interface HeldKeys {
  readonly keys: Promise<IssuerKeys>;
  /** Unix milliseconds; absent while they can be fetched. */
  failingSince: number | undefined;
  /** The names that the running configuration has for it. */
  names: string[];
}

/** Makes the identity of a gateway. What verifies tokens is loaded with the first issuer. */
export function createIdentity({ logger, signIn, keyTiming, isBudgetGroup = () => false }: IdentityOptions): Identity {
  const held = new Map<string, HeldKeys>();

  function open(issuer: IssuerConfig): HeldKeys {
    const opened: HeldKeys = {
      failingSince: undefined, names: [],
      keys: import('./issuer-keys.ts').then(({ createIssuerKeys }) => createIssuerKeys(issuer, {
        ...(keyTiming === undefined ? {} : { timing: keyTiming }),
        onChange: (failure) => {
          opened.failingSince = failure === undefined ? undefined : Date.now();
          if (failure === undefined) logger.info({ issuer: issuer.name }, 'the keys of an issuer can be fetched again');
          else logger.warn({ issuer: issuer.name, error: describeError(failure) }, 'the keys of an issuer could not be fetched');
        },
      })),
    };
    return opened;
  }

  /** Keys outlive a reload: an issuer that is down must not lose the ones that are still good. */
  function reconcile(issuers: readonly IssuerConfig[]): void {
    const wanted = new Set(issuers.map(identityOf));
    for (const [key, { keys }] of held) {
      if (wanted.has(key)) continue;
      held.delete(key);
      void keys.then((opened) => opened.close());
    }
    for (const entry of held.values()) entry.names = [];
    for (const issuer of issuers) {
      const key = identityOf(issuer);
      const entry = held.get(key) ?? open(issuer);
      held.set(key, entry);
      entry.names.push(issuer.name);
    }
  }

  return {
    authorityFor(config) {
      const { issuers } = config.identity;
      reconcile(issuers);
      if (!hasIdentity(config)) return undefined;
      const policies = createPolicyBook(config.policies);
      const named = namedGroups(config);
      const groups = { has: (group: string) => named.has(group) || isBudgetGroup(group) };
      const verifiers = issuers.flatMap((issuer) => {
        const keys = held.get(identityOf(issuer))?.keys;
        return keys === undefined ? [] : [createLazyVerifier(issuer, keys, groups)];
      });
      return createBearerAuthority({ verifiers: signIn === undefined ? verifiers : [signIn, ...verifiers], policies });
    },
    conditions: () => Object.fromEntries([...held.values()].flatMap(({ failingSince: since, names }): [string, Condition][] =>
      (since === undefined ? [] : names.map((name) => [ISSUER_PART + name, { cause: 'issuer_failing', party: name, since }])))),
    close() {
      reconcile([]);
    },
  };
}

/** What decides where keys come from. */
function identityOf({ issuer, jwks_uri: keys, ca, proxy }: IssuerConfig): string {
  return JSON.stringify([issuer, keys, ca, proxy]);
}

/** The verifier of an issuer, made when its first token comes. */
function createLazyVerifier(config: IssuerConfig, keys: Promise<IssuerKeys>, groups: Pick<ReadonlySet<string>, 'has'>): BearerVerifier {
  let made: BearerVerifier | undefined;
  const make = async (): Promise<BearerVerifier> => {
    const { createIssuerVerifier } = await import('./issuer-verifier.ts');
    return createIssuerVerifier({ config, keys: await keys, namedGroups: groups });
  };
  return {
    name: config.name, issuer: config.issuer,
    acceptsAudience: (audiences) => audiences.some((audience) => config.audience.includes(audience)),
    verify: async (token) => (made ??= await make()).verify(token),
    isCurrent: (token) => made?.isCurrent(token) === true,
  };
}
