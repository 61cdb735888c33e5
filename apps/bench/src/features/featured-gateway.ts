import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { penstock } from '../contenders/own-contenders.ts';
import type { Contender } from '../contenders/contender.ts';
import { requestChoices } from '../load/request-bytes.ts';
import { sendEach } from '../load/send-each.ts';
import { ISSUED_AUDIENCE, startIssuer } from '../signed-in/start-issuer.ts';

/** How many users call: clients with a key, of which a configuration may list so many, and people with a token of an issuer. */
export interface Users {
  readonly clients: number;
  readonly people: number;
}

const LIMIT = 1_000_000_000;
const LIMITS = { concurrent_requests: LIMIT, requests_per_minute: LIMIT, input_tokens_per_minute: LIMIT, output_tokens_per_minute: LIMIT } as const;
const AMOUNT = { amount_cents: LIMIT } as const;

const keyOf = (client: number): string => `pen_the-key-of-client-${String(client).padStart(6, '0')}-of-this-benchmark`;

/**
 * The gateway with keys, limits, identity, policies and budgets on, the ledger in SQLite. Nothing is ever refused: every limit is out of reach. Each user has called once when
 * it is measured: the first call verifies the signature of its token and makes its series, and with users drawn by lot a warm-up of any length leaves some who have not called.
 */
export function featuredGateway(name: string, { clients, people }: Users): Contender {
  return {
    name,
    description: `${clients} clients and ${people} people, each with limits and budgets`,
    isPeer: false,
    async start(environment) {
      const stack = new AsyncDisposableStack();
      try {
        const issuer = await startIssuer(stack);
        const keys = Array.from({ length: clients }, (_, client) => keyOf(client));
        const bearersFile = join(environment.folder, 'bearers.txt');
        writeFileSync(bearersFile, [...keys, ...Array.from({ length: people }, (_, person) => issuer.tokenOf(`person-${person}`))].join('\n'));
        const config = {
          clients: keys.map((key, client) => ({ name: `client-${client}`, key_sha256: createHash('sha256').update(key).digest('hex'), limits: LIMITS })),
          identity: { issuers: [{ name: 'idp', issuer: issuer.url, audience: [ISSUED_AUDIENCE], require: { owner: ['acme'] }, claims: { email: 'email', groups: 'groups' } }] },
          policies: [{ name: 'everyone', match: {} }, { name: 'engineers', match: { issuer: 'idp', groups: ['engineers'] }, limits: LIMITS }],
          budgets: [
            { scope: { client: true }, share: 'each', period: 'monthly', ...AMOUNT }, { scope: { user: true }, share: 'each', period: 'monthly', ...AMOUNT },
            { scope: { organization: true }, share: 'pooled', period: 'monthly', ...AMOUNT },
          ],
          state: { store: `sqlite:${join(environment.folder, 'state.db')}` },
        };
        const started = await penstock(name, 1, { config }).start(environment);
        stack.defer(() => started.stop());
        const native = { path: '/anthropic/v1/messages', fields: [], bearersFile };
        await sendEach(started.port, requestChoices({ ...native, port: started.port, body: '1 KB' }));
        return { ...started, native, stop: () => stack.disposeAsync() };
      } catch (error) {
        await stack.disposeAsync();
        throw error;
      }
    },
  };
}
