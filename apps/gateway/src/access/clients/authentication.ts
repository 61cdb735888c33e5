import type { Person } from '../identity/principal.ts';
import type { ClientRules } from './client-rules.ts';
import type { CredentialSource } from './read-credentials.ts';
import { REFUSALS, type RefusalAnswer, type RefusalReason } from './refusal.ts';

/** Name of callers while there are neither clients nor identity. */
export const ANONYMOUS_CLIENT = 'anonymous';

/** Who is calling, or why that is refused. */
export type Authentication =
  | {
    readonly kind: 'client';
    /** The configured name, or `anonymous`; of a person the policy's: the label in metrics, and whose limits hold. */
    readonly name: string;
    /** What the limits are counted by: the name, or a key of the person. */
    readonly counterKey: string;
    /** Absent for clients. */
    readonly person?: Person;
    /** Absent for anonymous callers, which may use every route that is served. */
    readonly client?: ClientRules;
    readonly via: CredentialSource;
    /** Whether the client's own `x-api-key` and `authorization` lines go upstream. Otherwise neither does. */
    readonly forwardCredentials: boolean;
  }
  | {
    readonly kind: 'refused';
    readonly reason: RefusalReason;
    readonly answer: RefusalAnswer;
    /** Who was refused, where a token proved it. */
    readonly person?: Person;
  };

/** A caller that is admitted. */
export type Admitted = Extract<Authentication, { kind: 'client' }>;

/** A caller that is not. */
export type Refused = Extract<Authentication, { kind: 'refused' }>;

/** Admits a client whose key is known. */
export function acceptClient(rules: ClientRules, via: CredentialSource): Admitted {
  return { kind: 'client', name: rules.name, counterKey: rules.name, client: rules, via, forwardCredentials: false };
}

/** Refuses a caller. */
export function refuse(reason: RefusalReason): Refused {
  return { kind: 'refused', reason, answer: REFUSALS[reason] };
}
