import type { BlockList } from 'node:net';
import { clientAddress } from '../../access/clients/client-address.ts';
import type { Person } from '../../access/identity/principal.ts';
import type { AuditLog } from './audit-log.ts';
import type { RequestLog } from './request-log.ts';

/** The act of refusing a token, on any side. */
export const TOKEN_REFUSAL = 'auth.refuse';

/** Tokens of persons; wrong keys are not audited. */
const AUDITED_REFUSALS = /^(?:token_|no_policy$)/;

/** What the audit log has of a person that a token proved. */
export function auditedPerson({ issuer, subject, email, groups }: Person): Readonly<Record<string, unknown>> {
  return { issuer, subject, ...(email === undefined ? {} : { email }), groups };
}

/** A request log whose refusals of tokens are acts as well. `onRefusal` is called for each. */
export function auditRefusals(log: RequestLog, auditLog: Pick<AuditLog, 'write'>, trustedProxies: () => BlockList, onRefusal: () => void): RequestLog {
  return {
    ...log,
    credentialRefused(inbound, reason, person) {
      log.credentialRefused(inbound, reason, person);
      if (!AUDITED_REFUSALS.test(reason)) return;
      const { socket, rawHeaders } = inbound.request;
      onRefusal();
      auditLog.write({
        event: TOKEN_REFUSAL, result: 'refused', reason, ...(person === undefined ? {} : auditedPerson(person)),
        address: clientAddress(socket.remoteAddress, rawHeaders, trustedProxies()), requestId: inbound.id,
      });
    },
  };
}
