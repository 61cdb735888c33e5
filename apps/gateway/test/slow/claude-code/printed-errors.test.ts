import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GATEWAY_ERROR_CODES } from '../../../src/request/gateway-error.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startRecordingHop, type RecordingHop } from '../clients/recording-hop.ts';
import { startScriptedApi } from '../clients/scripted-api.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { OWN_ERRORS, TEXT_ANSWER, type OwnError } from './own-errors.ts';
import { runClaudeCode, type ClaudeCodeEnd } from './run-claude-code.ts';

const { program, client } = findClaudeCode();
const CASES = GATEWAY_ERROR_CODES.flatMap((code) => OWN_ERRORS[code].map((each) => [code, each.when, each] as const));
/** The first error is the one that is printed. */
const NO_RETRIES = { CLAUDE_CODE_MAX_RETRIES: '0' };
printSkipped('what Claude Code prints of the gateway\'s own errors', client);

/** Runs the client once against a gateway that is in the state of the case. */
async function meet(each: OwnError): Promise<{ readonly end: ClaudeCodeEnd; readonly errors: ReturnType<RecordingHop['gatewayErrors']> }> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-claude-code-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const api = stack.use(await startScriptedApi({ messages: [each.answer ?? TEXT_ANSWER] }));
  const gateway = stack.use(await startTestGateway(await each.upstream?.(stack) ?? api.origin, each.gateway, each.overrides));
  const hop = stack.use(await startRecordingHop(await each.writer?.(stack) ?? gateway.port, each.passesBytes));
  await each.before?.(gateway, api, stack);
  const beside = each.meanwhile?.(gateway, api);
  const end = await runClaudeCode({
    program, folder, baseUrl: `${hop.origin}${each.path ?? '/anthropic'}`, environment: { ...NO_RETRIES, ...each.environment }, ...(each.flags === undefined ? {} : { flags: each.flags }),
  });
  await beside;
  return { end, errors: hop.gatewayErrors() };
}

describe.skipIf('missing' in client)(`what Claude Code ${CLAUDE_CODE_VERSION} prints of each error of the gateway's own contains the gateway's sentence`, () => {
  test.each(CASES)('%s: %s', async (code, _when, each) => {
    const { end, errors } = await meet(each);
    const last = errors.at(-1);
    expect({ code: last?.code, isError: end.isError, fellBack: end.fellBack }).toEqual({ code, isError: true, fellBack: false });
    if (each.prints === undefined) expect(end.result).toContain(last?.message);
    else expect(end.result).toMatch(each.prints);
  });
});
