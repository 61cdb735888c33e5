import type { Identity } from '../identity.ts';
import { answerJson, type ProtocolAnswer } from '../protocol-messages.ts';
import type { SettingsDocument } from './managed-settings.ts';

/** What Claude Desktop is configured from. */
export interface DesktopOptions {
  readonly base: string;
  readonly identity: Identity;
  /** The members of the caller's policy; `undefined` where Claude Desktop is not open to it. */
  readonly desktop: SettingsDocument | undefined;
  readonly settings: SettingsDocument | undefined;
  /** Whether this gateway takes metrics, logs or traces. */
  readonly hasTelemetry: boolean;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

const NOT_OPEN = { type: 'error', error: { type: 'not_found_error', message: 'Claude Desktop is not configured for this account.' } };

/** `GET /user/bootstrap`: 404 unless the caller's policy has a `desktop` member. */
export function serveDesktopBootstrap({ base, identity, desktop, settings, hasTelemetry, resourceAttributes, expiresAt }: DesktopOptions): ProtocolAnswer {
  if (desktop === undefined) return answerJson(404, NOT_OPEN);
  const denied = memberOf(memberOf(settings, 'permissions'), 'deny');
  const hosts = memberOf(memberOf(memberOf(settings, 'sandbox'), 'network'), 'allowedDomains');
  const models = memberOf(settings, 'availableModels');
  return answerJson(200, {
    inferenceProvider: 'gateway', inferenceGatewayBaseUrl: base, inferenceCredentialKind: 'interactive',
    ...(models === undefined ? {} : { inferenceModels: textsOf(models).map((name) => ({ name })) }),
    // A rule with an argument, such as `Bash(rm:*)`, does not switch a tool off.
    disabledBuiltinTools: textsOf(denied).filter((rule) => /^\w+$/.test(rule)),
    coworkEgressAllowedHosts: textsOf(hosts),
    ...(hasTelemetry ? {
      otlpEndpoint: base, otlpProtocol: 'http/protobuf',
      otlpResourceAttributes: {
        ...resourceAttributes, 'enduser.id': identity.email ?? identity.subject, 'enduser.sub': identity.subject,
        ...(identity.email === undefined ? {} : { 'user.email': identity.email }), 'user.groups': identity.groups.join(','),
      },
    } : {}),
    ...desktop,
    expiresAt,
  }, ['x-gateway-spend-admin', 'false']);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as SettingsDocument)[name] : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
