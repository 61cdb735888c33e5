import type { CallerPolicy, GatewayCaller } from './claude-code-gateway-options.ts';
import { createDiscoveryDocument } from './discovery-document.ts';
import { authorizeDevice } from './device/authorize-device.ts';
import { takeCallback } from './pages/callback.ts';
import { createBrowserSessions } from './pages/browser-session.ts';
import { showConfirmPage, takeDecision } from './pages/confirm-page.ts';
import { showDevicePage, takeUserCode } from './pages/device-page.ts';
import { answerJson, answerText, type ProtocolAnswer, type ProtocolRequest } from './protocol-messages.ts';
import { renderProtocolPage } from './protocol-page.ts';
import { serveDesktopBootstrap } from './settings/desktop-bootstrap.ts';
import { serveSettings, type SettingsDocument } from './settings/managed-settings.ts';
import { withTelemetry } from './settings/telemetry-environment.ts';
import { auditedPerson, type SignInParts } from './sign-in-parts.ts';
import { TELEMETRY_SIGNALS, type TelemetryRelay } from './telemetry/telemetry-relay.ts';
import { createRefreshGrant } from './tokens/refresh-grant.ts';
import { answerRevocation } from './tokens/revocation-endpoint.ts';
import { answerTokenRequest } from './tokens/token-endpoint.ts';

/** One path of the protocol. */
export type ProtocolRoute = OpenRoute | CallerRoute;

interface RouteTraits {
  readonly methods: ReadonlyArray<'GET' | 'POST'>;
  /** Longer bodies are refused with 413 before they are read. */
  readonly maxBodyBytes: number;
}

/** A path that needs no credential. */
export interface OpenRoute extends RouteTraits {
  readonly access: 'open';
  /** A page that a browser opens: navigations come from any site, and a form is checked by the page itself. */
  readonly isPage: boolean;
  handle(request: ProtocolRequest): Promise<ProtocolAnswer>;
}

/** A path that needs a verified caller. */
export interface CallerRoute extends RouteTraits {
  readonly access: 'caller';
  handle(request: ProtocolRequest, caller: GatewayCaller): Promise<ProtocolAnswer>;
}

const FORM_BYTES = 64 * 1024;
const TELEMETRY_BYTES = 8 * 1024 * 1024;

/** The routes that work with the state of sign-in. */
export function createOpenRoutes(parts: SignInParts): ReadonlyMap<string, OpenRoute> {
  const sessions = createBrowserSessions(parts);
  const refresh = createRefreshGrant(parts);
  const discovery = createDiscoveryDocument(parts.addresses);
  const protocolPage = renderProtocolPage(parts.addresses);
  const page = (handlers: Partial<Record<'GET' | 'POST', (request: ProtocolRequest) => Promise<ProtocolAnswer>>>): OpenRoute => ({
    access: 'open', isPage: true, maxBodyBytes: FORM_BYTES, methods: (['GET', 'POST'] as const).filter((method) => handlers[method] !== undefined),
    handle: (request) => (request.method === 'POST' ? handlers.POST ?? handlers.GET : handlers.GET)?.(request) ?? Promise.reject(new TypeError('a page has at least one method')),
  });
  const get = (handle: () => ProtocolAnswer): OpenRoute => ({ access: 'open', isPage: false, methods: ['GET'], maxBodyBytes: 0, handle: async () => handle() });
  const post = (handle: (request: ProtocolRequest) => Promise<ProtocolAnswer>): OpenRoute => ({ access: 'open', isPage: false, methods: ['POST'], maxBodyBytes: FORM_BYTES, handle });

  return new Map<string, OpenRoute>([
    ['/.well-known/oauth-authorization-server', get(() => answerJson(200, discovery))],
    ['/protocol', get(() => answerText(200, 'text/markdown; charset=utf-8', protocolPage))],
    ['/oauth/device_authorization', post((request) => authorizeDevice(parts, request))],
    ['/oauth/token', post((request) => answerTokenRequest(parts, refresh, request))],
    ['/oauth/revoke', post((request) => answerRevocation(parts, request))],
    ['/device', page({ GET: (request) => showDevicePage(parts, sessions, request), POST: (request) => takeUserCode(parts, sessions, request) })],
    ['/device/confirm', page({ GET: (request) => showConfirmPage(parts, sessions, request), POST: (request) => takeDecision(parts, sessions, request) })],
    ['/oauth/callback', page({ GET: (request) => takeCallback(parts, sessions, request) })],
  ]);
}

/** What the routes for verified callers work with. */
export interface CallerRouteParts extends Pick<SignInParts, 'addresses' | 'audit' | 'limits' | 'now'> {
  /** Read for each request, since a reload replaces it. */
  readonly telemetry: () => { readonly relay: TelemetryRelay; readonly resourceAttributes: Readonly<Record<string, string>> };
}

/** The routes that serve what a caller's policy says. */
export function createCallerRoutes({ addresses, audit, limits, now, telemetry }: CallerRouteParts): ReadonlyMap<string, CallerRoute> {
  const settingsOf = ({ settings }: CallerPolicy): SettingsDocument | undefined => {
    const { relay, resourceAttributes } = telemetry();
    return withTelemetry(settings, { base: addresses.base, signals: relay.signals, resourceAttributes });
  };
  const get = (handle: CallerRoute['handle']): CallerRoute => ({ access: 'caller', methods: ['GET'], maxBodyBytes: 0, handle });
  const settingsRoute = get(async (request, { identity, policy }) => {
    const { answer, checksum } = serveSettings(request, settingsOf(policy));
    audit({ event: 'settings.serve', result: 'ok', reason: `status_${answer.status}`, address: request.address, ...auditedPerson(identity), ...(checksum === undefined ? {} : { checksum }) });
    return answer;
  });
  const bootstrapRoute = get(async (request, { identity, policy, expiresAt }) => {
    const { relay, resourceAttributes } = telemetry();
    const answer = serveDesktopBootstrap({
      base: addresses.base, identity, desktop: policy.desktop, settings: policy.settings, hasTelemetry: relay.signals.size > 0, resourceAttributes,
      expiresAt: expiresAt ?? Math.floor(now() / 1000) + limits.sessionTtlSeconds,
    });
    audit({ event: 'desktop.serve', result: answer.status === 200 ? 'ok' : 'refused', address: request.address, ...auditedPerson(identity) });
    return answer;
  });
  const signalRoutes = TELEMETRY_SIGNALS.map((signal): [string, CallerRoute] => [`/v1/${signal}`, {
    access: 'caller', methods: ['POST'], maxBodyBytes: TELEMETRY_BYTES, handle: async (request) => telemetry().relay.take(signal, request),
  }]);
  return new Map<string, CallerRoute>([['/managed/settings', settingsRoute], ['/user/bootstrap', bootstrapRoute], ...signalRoutes]);
}
