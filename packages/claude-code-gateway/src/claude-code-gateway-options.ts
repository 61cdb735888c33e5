import type { Identity } from './identity.ts';
import type { OidcProviderOptions } from './provider/create-oidc-provider.ts';
import type { IdentityProvider } from './provider/identity-provider.ts';
import type { SettingsDocument } from './settings/managed-settings.ts';
import type { AuditEvent } from './sign-in-audit.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { SqlDatabase } from './store/sql-database.ts';
import type { DestinationLimits } from './telemetry/telemetry-destination.ts';
import type { TelemetryTarget } from './telemetry/telemetry-relay.ts';

/** What a caller's policy gives its client. */
export interface CallerPolicy {
  /** Managed settings of Claude Code; absent where the policy has none. */
  readonly settings?: SettingsDocument;
  /** What Claude Desktop is configured with; absent where it is not open to the caller. */
  readonly desktop?: SettingsDocument;
}

/** A caller whose credential was verified: a person by a token, or another client that the application knows. */
export interface GatewayCaller {
  readonly identity: Identity;
  readonly policy: CallerPolicy;
  /** When the credential is over. Seconds since 1970. @defaultValue one session from now */
  readonly expiresAt?: number;
}

/** Where telemetry of clients goes. */
export interface TelemetryOptions {
  readonly targets: readonly TelemetryTarget[];
  /** Added to everything that clients report. @defaultValue none */
  readonly resourceAttributes?: Readonly<Record<string, string>>;
  readonly limits?: Partial<DestinationLimits>;
}

/** What a gateway is made from. */
export interface ClaudeCodeGatewayOptions {
  /** Scheme, host and port under which browsers and clients reach the gateway. */
  readonly publicUrl: string;
  /** The path under which the protocol is mounted. @defaultValue none */
  readonly mount?: string;
  /** Secrets of at least 32 characters: the first one signs and seals, all of them verify. */
  readonly sessionKeys: readonly string[];
  /** The provider's registration of this gateway, or a provider of the application's own. */
  readonly provider: Omit<OidcProviderOptions, 'redirectUri'> | IdentityProvider;
  readonly database: SqlDatabase;
  readonly telemetry?: TelemetryOptions;
  readonly limits?: Partial<SignInLimits>;
  /** The groups to keep. @defaultValue all */
  readonly isKnownGroup?: (group: string) => boolean;
  /** Takes each act, without any code or token. @defaultValue dropped */
  readonly audit?: (event: AuditEvent) => void;
  /** Called for each batch of telemetry that a collector did not take. */
  readonly onTelemetryDropped?: (reason: string) => void;
  /** Called when a session was ended here or by another process: caches of its tokens drop them. */
  readonly onRevoked?: (sessionId: string) => void;
  /** Milliseconds since 1970. @defaultValue Date.now */
  readonly now?: () => number;
}
