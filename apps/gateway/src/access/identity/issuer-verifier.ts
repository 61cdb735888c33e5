import { errors, jwtVerify, UnsecuredJWT, type FlattenedJWSInput, type JWTHeaderParameters } from 'jose';
import type { IssuerConfig } from '../../config/sections/identity-section.ts';
import type { BearerVerifier, TokenRefusal, Verification } from './bearer-verifier.ts';
import { KeysUnavailable, type IssuerKeys } from './issuer-keys.ts';
import { meetsRequirements, readPerson } from './read-claims.ts';

/** What an issuer's verifier is made of. */
export interface IssuerVerifierOptions {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
  /** Groups that the configuration names. */
  readonly namedGroups: Pick<ReadonlySet<string>, 'has'>;
}

/** The header `{"alg":"none"}`: under it jose checks claims alone. */
const UNSECURED = 'eyJhbGciOiJub25lIn0';

/** Makes the verifier of one configured issuer. */
export function createIssuerVerifier({ config, keys, namedGroups }: IssuerVerifierOptions): BearerVerifier {
  const { name, issuer, audience } = config;
  const claimRules = {
    issuer, audience: [...audience], clockTolerance: config.clock_skew, maxTokenAge: config.max_age,
    // `iat` is required by `maxTokenAge`.
    requiredClaims: ['exp', config.claims.subject],
  };
  const rules = { ...claimRules, algorithms: [...config.algorithms] };

  /** Throws what `jwtVerify` throws for claims that are refused whatever key signed them: such a token must not spend one of the few fetches. */
  function checkClaims(token: string): void {
    const { payload } = UnsecuredJWT.decode(`${UNSECURED}.${token.split('.')[1]}.`, claimRules);
    if (!meetsRequirements(payload, config.require)) throw new errors.JWTClaimValidationFailed('a required claim is missing or has another value', payload);
  }

  async function verify(token: string): Promise<Verification> {
    // Read before the keys are: what is withdrawn in between must not be remembered as good.
    let proof = keys.generation();
    try {
      const { payload } = await jwtVerify(token, async (header: JWTHeaderParameters, jws: FlattenedJWSInput) => {
        const key = await keys.find(header, jws, () => checkClaims(token));
        proof = keys.generation();
        return key;
      }, rules);
      if (!meetsRequirements(payload, config.require)) return refuse('token_claims');
      const person = readPerson(payload, config, namedGroups);
      return typeof person === 'string' ? refuse(person) : { ok: true, token: { person, expiresAt: payload.exp as number, proof } };
    } catch (error) {
      return refuse(reasonOf(error));
    }
  }

  return {
    name, issuer, verify,
    acceptsAudience: (audiences) => audiences.some((candidate) => audience.includes(candidate)),
    isCurrent: (token) => token.proof === keys.generation(),
  };
}

function refuse(reason: TokenRefusal): Verification {
  return { ok: false, reason };
}

const BY_CLAIM: Readonly<Record<string, TokenRefusal>> = { iss: 'token_issuer', aud: 'token_audience', nbf: 'token_not_yet_valid', iat: 'token_not_yet_valid' };

/** The reason behind an error of jose's; anything that is not known is a token that cannot be read. */
function reasonOf(error: unknown): TokenRefusal {
  if (error instanceof KeysUnavailable) return 'unavailable';
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'token_too_old' : 'token_expired';
  if (error instanceof errors.JWTClaimValidationFailed) return error.reason === 'check_failed' ? BY_CLAIM[error.claim] ?? 'token_claims' : 'token_claims';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return 'token_key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token_signature';
  return 'token_malformed';
}
