import { createHash } from 'node:crypto';
import { ClaudeCodeGatewayError } from './claude-code-gateway-error.ts';

/** The keys that sign and seal: the first one makes, all of them verify. */
export interface SessionKeys {
  current(): readonly string[];
  /** Replaces the keys. @throws ClaudeCodeGatewayError `invalid_options` if there is none, or one is too short */
  replace(keys: readonly string[]): void;
}

/** The least length of a session key, in characters. */
export const SHORTEST_SESSION_KEY = 32;

/** Holds the session keys, which a reload replaces. */
export function createSessionKeys(keys: readonly string[]): SessionKeys {
  let current = checked(keys);
  return {
    current: () => current,
    replace(next) {
      current = checked(next);
    },
  };
}

/** Names a key in the header of a token without revealing it. */
export function keyIdOf(key: string): string {
  return createHash('sha256').update(`penstock-key-id:${key}`).digest('base64url').slice(0, 11);
}

function checked(keys: readonly string[]): readonly string[] {
  if (keys.length === 0) throw new ClaudeCodeGatewayError('invalid_options', 'sessionKeys must hold at least one key');
  const short = keys.findIndex((key) => key.length < SHORTEST_SESSION_KEY);
  if (short !== -1) throw new ClaudeCodeGatewayError('invalid_options', `sessionKeys[${short}] must have at least ${SHORTEST_SESSION_KEY} characters, received ${keys[short]?.length}`);
  return [...keys];
}
