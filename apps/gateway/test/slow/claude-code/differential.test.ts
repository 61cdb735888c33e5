import { describe, expect, test } from 'vitest';
import type { Account } from '../clients/both-ways.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { AGENT_SCENARIOS } from './agent-scenarios.ts';
import { ANSWER_SCENARIOS } from './answer-scenarios.ts';
import { BREAK_SCENARIOS } from './break-scenarios.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { runScenario } from './claude-code-scenario.ts';
import type { ClaudeCodeEnd } from './run-claude-code.ts';

const { program, client } = findClaudeCode();
const SCENARIOS = [...AGENT_SCENARIOS, ...ANSWER_SCENARIOS, ...BREAK_SCENARIOS];
printSkipped('Claude Code, straight and through the gateway', client);

/** What must be equal. The statuses before a retry need not be: where the upstream resets, the gateway has a status to answer with. */
const comparable = ({ end, requests }: Account<readonly ClaudeCodeEnd[]>): unknown => ({ requests, end: end.map(({ exit, result, isError, errorStatus, fellBack }) => ({ exit, result, isError, errorStatus, fellBack })) });

test('there are at least 30 scenarios, each with a name of its own', () => {
  expect(SCENARIOS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
});

describe.skipIf('missing' in client)(`Claude Code ${CLAUDE_CODE_VERSION} ends as it does without the gateway, and costs the upstream the same`, () => {
  test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    const { straight, through } = await runScenario(program, scenario);
    const { requests, ...end } = scenario.straight;
    expect({ requests: straight.requests.length, ...straight.end.at(-1) }).toMatchObject({ requests, ...end });
    expect(comparable(through)).toEqual(comparable(straight));
  });
});
