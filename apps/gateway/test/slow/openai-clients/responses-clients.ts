import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';

/** Clients whose default is the Responses API, at the versions that the suite drives. */
export const RESPONSES_CLIENTS = { agents: '0.20.0', ai: '7.0.173', openai: '4.0.118', openResponses: '2.0.36' } as const;

const PACKAGES = [
  `@openai/agents@${RESPONSES_CLIENTS.agents}`, `ai@${RESPONSES_CLIENTS.ai}`, `@ai-sdk/openai@${RESPONSES_CLIENTS.openai}`, `@ai-sdk/open-responses@${RESPONSES_CLIENTS.openResponses}`, 'zod@4',
];

/** Finds the clients in the cache, or installs them there; nothing of them runs before the tests run it. */
export function findResponsesClients(): CachedClient {
  const { agents, ai, openai, openResponses } = RESPONSES_CLIENTS;
  return cachedClient(`responses-clients-${agents}-${ai}-${openai}-${openResponses}`, (folder) => {
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', ...PACKAGES];
    return run('npm', args, folder).code === 0 ? undefined : 'npm cannot install @openai/agents, ai, @ai-sdk/openai and @ai-sdk/open-responses here';
  });
}

/** A module of an installed client, as far as a test uses it. */
export async function loadClient<Module>(client: CachedClient, name: string): Promise<Module> {
  if ('missing' in client) throw new Error(client.missing);
  const require = createRequire(join(client.folder, 'index.js'));
  return await import(pathToFileURL(require.resolve(name)).href) as Module;
}
