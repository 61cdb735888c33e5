import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TRANSLATED } from '../src/chat/field-rules.ts';
import { TRANSLATED as TRANSLATED_RESPONSE } from '../src/responses/field-rules.ts';

const PACKAGE = join(import.meta.dirname, '..');
const README = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
const resources = join(PACKAGE, 'node_modules/openai/resources');
const TYPES = readFileSync(join(resources, 'chat/completions/completions.d.ts'), 'utf8');
const RESPONSES_TYPES = readFileSync(join(resources, 'responses/responses.d.ts'), 'utf8');
const USAGE_TYPES = readFileSync(join(resources, 'completions.d.ts'), 'utf8');

/** The members of an interface of the openai package, read from its declarations. */
function membersOf(name: string, source = TYPES): readonly string[] {
  const start = new RegExp(`^( *)(?:export )?interface ${name} (?:extends \\w+ )?\\{$`, 'm').exec(source);
  if (start === null) throw new Error(`the openai package has no interface ${name} any more`);
  const indent = `${start[1] ?? ''}    `;
  const body = source.slice(start.index, source.indexOf(`\n${start[1] ?? ''}}`, start.index));
  return [...body.matchAll(new RegExp(`^${indent}(\\w+)\\??:`, 'gm'))].map((match) => match[1] ?? '');
}

const prefixed = (prefix: string, names: readonly string[]): readonly string[] => names.map((name) => prefix + name);
const isNamed = (name: string): boolean => !['type', 'function'].includes(name);
const MESSAGES = ['Developer', 'System', 'User', 'Assistant', 'Tool', 'Function'].flatMap((role) => membersOf(`ChatCompletion${role}MessageParam`));
const PARTS = ['Text', 'Image', 'InputAudio', 'Refusal'].flatMap((part) => membersOf(`ChatCompletionContentPart${part}`)).filter(isNamed);

const REQUEST_FIELDS = [
  ...membersOf('ChatCompletionCreateParamsBase'), ...prefixed('messages[].', MESSAGES), ...prefixed('messages[].content[].', [...PARTS, 'file']),
  'tools[].function', ...prefixed('tools[].', membersOf('ChatCompletionCustomTool').filter(isNamed)),
];
const ANSWER_FIELDS = [
  ...membersOf('ChatCompletion'), ...membersOf('ChatCompletionChunk'), ...prefixed('choices[].message.', membersOf('ChatCompletionMessage')), ...prefixed('choices[].delta.', membersOf('Delta')),
  ...prefixed('choices[].', membersOf('Choice').filter((name) => name !== 'message' && name !== 'delta')), ...prefixed('usage.', membersOf('CompletionUsage', USAGE_TYPES)),
];

const RESPONSES_FIELDS = [...membersOf('ResponseCreateParamsBase', RESPONSES_TYPES), 'id', 'output', 'status'];

interface Row {
  readonly fields: readonly string[];
  readonly file: string;
  readonly test: string;
}

/** The rows of one conformance table of the README. */
function rowsOf(heading: string): readonly Row[] {
  const section = README.split(`## Conformance: ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split('\n').filter((line) => line.startsWith('| ') && line.includes('](')).map((line) => {
    const [, fields = '', , test = ''] = line.split('|').map((cell) => cell.trim());
    const link = /^\[[^\]]+\]\(([^)]+)\): (.+)$/.exec(test);
    return { fields: [...fields.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''), file: link?.[1] ?? '', test: link?.[2] ?? '' };
  });
}

describe.each([['requests', REQUEST_FIELDS], ['answers', ANSWER_FIELDS], ['Responses', RESPONSES_FIELDS]] as const)('the conformance table of %s', (heading, fields) => {
  it('has a row for every field that the openai package declares (a new field must be decided upon)', () => {
    const documented = new Set(rowsOf(heading).flatMap((row) => row.fields));
    expect([...new Set(fields)].filter((field) => !documented.has(field))).toEqual([]);
    expect(documented.size).toBeGreaterThan(20);
  });

  it('names for every row a test that exists', () => {
    for (const row of rowsOf(heading)) {
      const path = join(PACKAGE, row.file);
      expect(existsSync(path) && row.file !== '', `${row.fields.join(' ')}: ${row.file}`).toBe(true);
      expect(readFileSync(path, 'utf8'), row.fields.join(' ')).toContain(row.test);
    }
  });
});

it.each([['requests', TRANSLATED], ['Responses', TRANSLATED_RESPONSE]] as const)('the conformance table of %s has a row for every field that is translated, extensions included', (heading, translated) => {
  const documented = new Set(rowsOf(heading).flatMap((row) => row.fields));
  expect(Object.keys(translated).filter((field) => !documented.has(field))).toEqual([]);
});

describe('the README', () => {
  it('has every code of an error in its table', async () => {
    const { FRONT_DOOR_ERROR_CODES } = await import('../src/index.ts');
    // Codes that only the application raises, or that no client sees.
    const others = new Set(['unauthenticated', 'forbidden', 'misdirected', 'request_timeout', 'rate_limited', 'identity_unavailable', 'header_overflow', 'client_gone', 'client_stalled', 'loop_detected']);
    const table = README.split('## Errors')[1]?.split('\n## ')[0] ?? '';
    expect(FRONT_DOOR_ERROR_CODES.filter((code) => !others.has(code) && !table.includes(`\`${code}\``))).toEqual([]);
  });

  it('links to files that exist', () => {
    for (const [, file = ''] of README.matchAll(/\]\(((?:test|src)\/[^)]+)\)/g)) expect(existsSync(join(PACKAGE, file)), file).toBe(true);
  });
});
