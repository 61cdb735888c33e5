// A process that sets many different limits at once: `node set-limits.ts URL NAME LIMITS`. Prints how many were set.
import { createSpendLimitStore } from '../../../src/access/spend-limits/spend-limit-store.ts';
import { createPostgresDatabase } from '../../../src/state/postgres-database.ts';

const [url = '', name = '', count = '0'] = process.argv.slice(2);
const database = createPostgresDatabase(url);
const store = createSpendLimitStore(database);
await store.prepare();
const set = await Promise.allSettled(Array.from({ length: Number(count) }, (_, person) =>
  store.upsert({ scopeType: 'user', scopeId: `${name}-${person}`, period: 'monthly', cents: 100, pooled: undefined }, { actor: 'admin-key:0123', reason: undefined })));
process.stdout.write(String(set.filter(({ status }) => status === 'fulfilled').length));
await database.close();
