import type { AuditEvent, SqlDatabase } from '@penstock/claude-code-gateway';
import type { Registry } from 'prom-client';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { SignInConfig } from '../config/sections/sign-in-section.ts';
import type { AuditLog } from '../observe/log/audit-log.ts';
import { TOKEN_REFUSAL } from '../observe/log/audit-refusals.ts';
import { createSignInMetrics, type SignInMetrics } from '../observe/metrics/create-sign-in-metrics.ts';
import { createSignIn, type SignIn, type SignInOptions } from './sign-in.ts';

/** Sign-in with the store that it was opened with. */
export interface OpenedSignIn {
  readonly signIn: SignIn;
  /** Counts a token that was refused, on any side. */
  tokenRefused(): void;
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
  /** Where its acts are written; it stays open. */
  readonly auditLog: Pick<AuditLog, 'write'>;
}

/** The counters, which know the acts only once the package is loaded. */
async function declareMetrics(registry: Registry): Promise<SignInMetrics> {
  const { AUDIT_EVENTS } = await import('@penstock/claude-code-gateway');
  return createSignInMetrics(registry, [...AUDIT_EVENTS, TOKEN_REFUSAL]);
}

/** Opens sign-in. */
export async function openSignIn({ config, settings, database, registry, auditLog, isBudgetGroup }: OpenSignInOptions): Promise<OpenedSignIn> {
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
    tokenRefused: () => metrics.acted({ event: TOKEN_REFUSAL, result: 'refused' }),
    close: () => signIn.close(),
  };
}
