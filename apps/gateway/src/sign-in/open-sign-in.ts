import type { BlockList } from 'node:net';
import type { AuditEvent, SqlDatabase } from '@penstock/claude-code-gateway';
import type { Registry } from 'prom-client';
import { clientAddress } from '../access/clients/client-address.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { SignInConfig } from '../config/sections/sign-in-section.ts';
import { createAuditLog } from '../observe/log/audit-log.ts';
import type { RequestLog } from '../observe/log/request-log.ts';
import { createSignInMetrics, type SignInMetrics } from '../observe/metrics/create-sign-in-metrics.ts';
import { createSignIn, type SignIn, type SignInOptions } from './sign-in.ts';

/** Sign-in with the store and the audit log that it was opened with. */
export interface OpenedSignIn {
  readonly signIn: SignIn;
  /** A request log whose refusals of tokens are acts as well. */
  auditRefusals(log: RequestLog, trustedProxies: () => BlockList): RequestLog;
  /** Opens the file of the audit log anew. */
  reopenLog(): void;
  close(): Promise<void>;
}

/** What it is opened with. */
export interface OpenSignInOptions extends Pick<SignInOptions, 'isBudgetGroup'> {
  readonly config: GatewayConfig;
  readonly settings: SignInConfig;
  /** The store; it stays open. */
  readonly database: SqlDatabase;
  /** Where the metrics of sign-in go. */
  readonly registry: Registry;
  /** Called when the audit log cannot be written. */
  readonly onLogFailure: (error: unknown) => void;
}

/** The act of refusing a token, on either side. */
const REFUSAL = 'auth.refuse';
/** Tokens of persons; wrong keys are not. */
const AUDITED_REFUSALS = /^(?:token_|no_policy$)/;

/** The counters, which know the acts only once the package is loaded. */
async function declareMetrics(registry: Registry): Promise<SignInMetrics> {
  const { AUDIT_EVENTS } = await import('@penstock/claude-code-gateway');
  return createSignInMetrics(registry, [...AUDIT_EVENTS, REFUSAL]);
}

/** Opens sign-in. */
export async function openSignIn({ config, settings, database, registry, onLogFailure, isBudgetGroup }: OpenSignInOptions): Promise<OpenedSignIn> {
  const auditLog = createAuditLog(config.log.audit, onLogFailure);
  const metrics = await declareMetrics(registry);
  const signIn = await createSignIn({
    config, signIn: settings, database, isBudgetGroup,
    onAct: (act: AuditEvent) => {
      metrics.acted(act);
      auditLog.write({ ...act });
    },
    onTelemetryDropped: (reason) => metrics.telemetryDropped(reason),
  });
  return {
    signIn,
    auditRefusals: (log, trustedProxies) => ({
      ...log,
      credentialRefused(inbound, reason) {
        log.credentialRefused(inbound, reason);
        if (!AUDITED_REFUSALS.test(reason)) return;
        const { socket, rawHeaders } = inbound.request;
        metrics.acted({ event: REFUSAL, result: 'refused' });
        auditLog.write({ event: REFUSAL, result: 'refused', reason, address: clientAddress(socket.remoteAddress, rawHeaders, trustedProxies()), requestId: inbound.id });
      },
    }),
    reopenLog: () => auditLog.reopen(),
    async close() {
      await signIn.close();
      await auditLog.close();
    },
  };
}
