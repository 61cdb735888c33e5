/** The acts that are audited. */
export const AUDIT_EVENTS = [
  'device.authorize', 'device.verify', 'device.callback', 'device.approve', 'device.deny', 'session.mint', 'session.refresh', 'session.revoke', 'settings.serve', 'desktop.serve',
] as const;

/** One of `AUDIT_EVENTS`. */
export type AuditEventName = (typeof AUDIT_EVENTS)[number];

/** How an act ended. */
export const AUDIT_RESULTS = ['ok', 'refused', 'unavailable'] as const;

/** One of `AUDIT_RESULTS`. */
export type AuditResult = (typeof AUDIT_RESULTS)[number];

/** One act, without any code or token. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly result: AuditResult;
  /** Why it was refused or impossible: an identifier. */
  readonly reason?: string;
  readonly subject?: string;
  readonly email?: string;
  readonly groups?: readonly string[];
  readonly sessionId?: string;
  /** The address that the request came from. */
  readonly address?: string;
  readonly userAgent?: string;
  /** The checksum of the settings that were served. */
  readonly checksum?: string;
}
