import { hash } from 'node:crypto';

/** Texts that guides and tests put where a key belongs: an attacker tries them first. */
const KNOWN_KEYS: readonly string[] = [
  '', 'test', 'test-key', 'testkey', 'key', 'my-key', 'mykey', 'api-key', 'apikey', 'api_key', 'your-api-key', 'your-key', 'your_api_key', 'YOUR_API_KEY', 'YOUR_CLIENT_KEY', 'sk-ant-...', 'sk-...', 'pen_...',
  'sk-1234', 'sk-test', 'secret', 'password', 'passw0rd', 'changeme', 'change-me', 'example', 'demo', 'dummy', 'default', 'none', 'token', 'admin', 'root', 'user', 'anthropic', 'claude', 'openai',
  'penstock', 'gateway', 'alice', 'bob', 'hello', 'foo', 'bar', '123', '1234', '12345', '123456', '12345678', '123456789', '1234567890', 'abc', 'abc123', 'letmein', 'qwerty', 'x', 'xxx',
  // The client of deploy/gateway.simulated.json.
  'pen_public-key-of-the-simulator',
];

/** The hashes that the examples of this project show. No key exists for them. */
const EXAMPLE_HASHES: ReadonlySet<string> = new Set([
  '9bfaa4cc7df84f1f0a8cd85bbbda2f7e8a55ba55a8ca5163af7dfa4a1f6a2a8a',
  '31857fa4af6696f939716304fb4e67f4b9e68e8c9d0dbc4fc09412217cb06ce1',
]);

let knownHashes: ReadonlySet<string> | undefined;

/** Whether the key behind a hash (in lower case) is one of the closed list of known ones. */
export function isKnownKey(sha256: string): boolean {
  knownHashes ??= new Set(KNOWN_KEYS.map((key) => hash('sha256', key, 'hex')));
  return knownHashes.has(sha256);
}

/** Whether a hash (in lower case) is that of the examples, which admits no caller. */
export function isExampleHash(sha256: string): boolean {
  return EXAMPLE_HASHES.has(sha256);
}
