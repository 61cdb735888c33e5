import { registerHooks } from 'node:module';

// Run as a process of its own: only there is the list of loaded modules the gateway's. Its argument is the credential of the one upstream.
const LIBRARIES = /\/(?:packages\/(cloud-credentials)\/src|node_modules\/(@smithy\/signature-v4|@aws-sdk\/credential-providers|google-auth-library|@azure\/msal-node))\//;
const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const match = LIBRARIES.exec(url);
    if (match !== null) loaded.add(match[1] ?? match[2] ?? '');
    return nextLoad(url, context);
  },
});

const { startAnswering, startGroupGateway } = await import('./two-upstreams.ts');
const [kind = '', credential = ''] = process.argv.slice(2);
const upstream = await startAnswering();
const gateway = await startGroupGateway([{ name: 'only', kind, base_url: upstream.origin, ...(kind === 'bedrock_mantle' ? { region: 'us-east-1' } : {}), credential: JSON.parse(credential) as object }]);
const answer = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: '{"model":"m","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json' } });
await answer.text();
process.stdout.write(JSON.stringify([answer.status, [...loaded].toSorted()]));
process.exit();
