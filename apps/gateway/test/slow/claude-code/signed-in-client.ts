import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the client stores of a session. */
export interface StoredSession {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Claude Code with a home of its own, signed in at a gateway. */
export interface SignedInClient {
  /** Runs one prompt, or another command. */
  run(args?: readonly string[], environment?: Readonly<Record<string, string>>): Promise<ClientRun>;
  /** What is stored now; `undefined` once the client has signed out or deleted it. */
  stored(): StoredSession | undefined;
  /** Replaces what is stored. */
  store(session: StoredSession): void;
  /** The cached settings document. */
  settings(): unknown;
}

/** What one run printed, both streams together, and its exit code. */
export interface ClientRun {
  readonly exit: number | string;
  readonly printed: string;
}

const TIMEOUT_MS = 240_000;

/** Seeds a home as `/login` would leave it: no terminal and no managed settings of the machine are needed. */
export function seedSignedInClient(stack: AsyncDisposableStack, program: string, base: string, session: StoredSession): SignedInClient {
  const home = mkdtempSync(join(tmpdir(), 'penstock-signed-in-'));
  stack.defer(() => { rmSync(home, { recursive: true, force: true }); });
  const credentials = join(home, '.claude/.credentials.json');
  mkdirSync(join(home, '.claude'));
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ hasCompletedOnboarding: true, projects: { [home]: { hasTrustDialogAccepted: true } } }));
  const store = ({ accessToken, refreshToken, expiresAt }: StoredSession): void => {
    writeFileSync(credentials, JSON.stringify({
      gatewayTrust: { [new URL(base).hostname]: 'http-loopback' },
      enterpriseGateway: {
        url: base, jwt: accessToken, expiresAt, tokenEndpoint: `${base}/oauth/token`, revocationEndpoint: `${base}/oauth/revoke`, idpRefreshToken: refreshToken,
      },
    }), { mode: 0o600 });
  };
  store(session);
  const readJson = (path: string): Record<string, unknown> | undefined => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  };
  return {
    store,
    async run(args = ['-p', 'Say hello.'], environment = {}) {
      const child = spawn(program, args, {
        cwd: home, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL',
        env: { HOME: home, PATH: process.env['PATH'] ?? '', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_MAX_RETRIES: '2', ...environment },
      });
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
      child.stderr.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
      const [code, signal] = await once(child, 'close') as [number | null, string | null];
      return { exit: code ?? signal ?? '', printed: printed.trim() };
    },
    stored() {
      const gateway = readJson(credentials)?.['enterpriseGateway'] as Record<string, unknown> | undefined;
      if (gateway === undefined || typeof gateway['jwt'] !== 'string') return undefined;
      const { idpRefreshToken } = gateway;
      return { accessToken: gateway['jwt'], refreshToken: typeof idpRefreshToken === 'string' ? idpRefreshToken : undefined, expiresAt: Number(gateway['expiresAt']) };
    },
    settings: () => readJson(join(home, '.claude/remote-settings.json')),
  };
}
