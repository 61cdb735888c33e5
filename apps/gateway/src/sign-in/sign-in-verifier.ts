import type { AccessTokenClaims, AccessTokenVerdict, ClaudeCodeGateway } from '@penstock/claude-code-gateway';
import type { BearerVerifier, TokenRefusal } from '../access/identity/bearer-verifier.ts';
import type { Person } from '../access/identity/principal.ts';
import { SIGN_IN_ISSUER } from '../config/sections/identity-section.ts';

const REFUSALS: Readonly<Record<Extract<AccessTokenVerdict, { ok: false }>['reason'], TokenRefusal>> = { expired: 'token_expired', revoked: 'token_revoked', invalid: 'token_signature' };

const AUDIENCE = 'claude-gateway';

/** Judges the access tokens that the gateway issued itself. A token that was verified before is dropped at once when its session ends. */
export function createSignInVerifier(gateway: Pick<ClaudeCodeGateway, 'issuer' | 'judge' | 'isRevoked'>): BearerVerifier {
  return {
    name: SIGN_IN_ISSUER,
    issuer: gateway.issuer,
    acceptsAudience: (audiences) => audiences.includes(AUDIENCE),
    async verify(token) {
      const verdict = await gateway.judge(token);
      if (!verdict.ok) return { ok: false, reason: REFUSALS[verdict.reason], ...(verdict.claims === undefined ? {} : { person: personOf(verdict.claims) }) };
      const { sessionId, expiresAt } = verdict.claims;
      return { ok: true, token: { person: personOf(verdict.claims), expiresAt, proof: sessionId } };
    },
    isCurrent: ({ proof }) => !gateway.isRevoked(proof),
  };
}

function personOf({ subject, email, name, groups, sessionId }: AccessTokenClaims): Person {
  return { kind: 'person', issuer: SIGN_IN_ISSUER, subject, email, name, groups, signInId: sessionId };
}
