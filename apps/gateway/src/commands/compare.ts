import { ask, at, type Answer } from '../demo/ask.ts';
import type { CommandOutput } from './check.ts';

/** Whom to ask, and what. */
export interface CompareOptions {
  /** Base URL of an OpenAI-format endpoint, up to and with `/v1`: the one that you come from, or this gateway's. */
  readonly openai: string;
  /** Base URL of the native endpoint, up to `/anthropic`. */
  readonly native: string;
  readonly model: string;
  /** The model's name at the OpenAI-format endpoint. @defaultValue the same */
  readonly openaiModel?: string | undefined;
  readonly prompt: string;
  readonly maxTokens: number;
  /** Sent as a bearer to the OpenAI-format endpoint and as `x-api-key` to the native one. */
  readonly openaiKey?: string | undefined;
  readonly nativeKey?: string | undefined;
}

interface Row {
  readonly name: string;
  readonly openai: unknown;
  readonly native: unknown;
  /** Whether a difference means that the formats disagree; texts of a model differ from call to call. */
  readonly mustAgree: boolean;
}

const EQUIVALENT_STOPS: Readonly<Record<string, string>> = { end_turn: 'stop', stop_sequence: 'stop', max_tokens: 'length', tool_use: 'tool_calls', refusal: 'content_filter' };
const COLUMN = 34;

/**
 * `penstock compare`: asks an OpenAI-format endpoint and the native one the same question and lays the answers side by side, as a
 * step of a migration. Returns the exit code: 0 when both answered and agree where they must, else 1.
 */
export async function runCompare(options: CompareOptions, { stdout, stderr }: CommandOutput): Promise<number> {
  const messages = [{ role: 'user', content: options.prompt }];
  let answers: readonly [Answer, Answer];
  try {
    answers = [
      await ask(`${withoutSlash(options.openai)}/chat/completions`, {
        body: { model: options.openaiModel ?? options.model, max_tokens: options.maxTokens, messages },
        headers: options.openaiKey === undefined ? {} : { authorization: `Bearer ${options.openaiKey}` },
      }),
      await ask(`${withoutSlash(options.native)}/v1/messages`, {
        body: { model: options.model, max_tokens: options.maxTokens, messages },
        headers: { 'anthropic-version': '2023-06-01', ...(options.nativeKey === undefined ? {} : { 'x-api-key': options.nativeKey }) },
      }),
    ];
  } catch (error) {
    stderr.write(`An endpoint could not be reached: ${reasonOf(error)}. Are both running, and do the URLs end in /v1 and /anthropic?\n`);
    return 1;
  }
  const rows = rowsOf(...answers);
  stdout.write(`${''.padEnd(16)}${'OpenAI format'.padEnd(COLUMN)}native\n`);
  for (const { name, openai, native } of rows) stdout.write(`${name.padEnd(16)}${cell(openai).padEnd(COLUMN)}${cell(native)}\n`);
  const disagreements = rows.filter(({ openai, native, mustAgree }) => mustAgree && JSON.stringify(openai) !== JSON.stringify(native));
  stdout.write(disagreements.length === 0 ? '\nThe answers agree where they must. Text differs from call to call.\n' : `\nThey disagree: ${disagreements.map(({ name }) => name).join(', ')}\n`);
  return disagreements.length === 0 && answers.every(({ status }) => status === 200) ? 0 : 1;
}

function rowsOf(openai: Answer, native: Answer): readonly Row[] {
  const blocks = Array.isArray(native.json['content']) ? native.json['content'] as unknown[] : [];
  const [usage, stop] = [native.json['usage'], native.json['stop_reason']];
  return [
    { name: 'status', openai: openai.status, native: native.status, mustAgree: true },
    { name: 'model', openai: openai.json['model'], native: native.json['model'], mustAgree: false },
    { name: 'stop', openai: at(openai.json, 'choices', 0, 'finish_reason'), native: EQUIVALENT_STOPS[String(stop)] ?? stop, mustAgree: true },
    { name: 'input tokens', openai: at(openai.json, 'usage', 'prompt_tokens'), native: sum(at(usage, 'input_tokens'), at(usage, 'cache_read_input_tokens'), at(usage, 'cache_creation_input_tokens')), mustAgree: true },
    { name: 'output tokens', openai: at(openai.json, 'usage', 'completion_tokens'), native: at(usage, 'output_tokens'), mustAgree: false },
    { name: 'has text', openai: typeof at(openai.json, 'choices', 0, 'message', 'content') === 'string', native: blocks.some((block) => at(block, 'type') === 'text'), mustAgree: true },
    { name: 'text', openai: at(openai.json, 'choices', 0, 'message', 'content'), native: blocks.map((block) => at(block, 'text')).filter((text) => typeof text === 'string').join(''), mustAgree: false },
    { name: 'request id', openai: openai.headers.get('x-request-id'), native: native.headers.get('request-id'), mustAgree: false },
    { name: 'milliseconds', openai: Math.round(openai.durationMs), native: Math.round(native.durationMs), mustAgree: false },
    { name: 'error', openai: at(openai.json, 'error', 'message'), native: at(native.json, 'error', 'message'), mustAgree: false },
  ];
}

function sum(...values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === 0 ? undefined : numbers.reduce((total, value) => total + value, 0);
}

function cell(value: unknown): string {
  const text = value === undefined || value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
  const plain = text.replace(/\p{Cc}+/gu, ' ');
  return plain.length < COLUMN ? plain : `${plain.slice(0, COLUMN - 5)}...`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
