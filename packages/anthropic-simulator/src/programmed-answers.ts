import { describeUnknownOption } from '@penstock/option-names';
import type { Faults } from './faults.ts';
import { FAULT_WORDS, readFaultOptions, type FaultOptions } from './fault-options.ts';
import type { JsonObject } from './json.ts';
import { SimulatorError } from './simulator-error.ts';

/** A call of a tool in a programmed answer. */
export interface ProgrammedToolUse {
  readonly name: string;
  /** @defaultValue {} */
  readonly input?: JsonObject;
}

/** What a programmed answer says instead of the scenario; blocks stand in this order. */
export interface ReplyContent {
  readonly thinking?: string;
  readonly text?: string;
  readonly toolUse?: ProgrammedToolUse | readonly ProgrammedToolUse[];
  /** @defaultValue `tool_use` with a tool call, else `end_turn` */
  readonly stopReason?: string;
  /** @defaultValue counted */
  readonly outputTokens?: number;
}

/** The answer to one request that is still to come. */
export interface NextAnswer extends FaultOptions, ReplyContent {
  /** The `error.message` of an answer with `status`. */
  readonly message?: string;
  /** The `error.details.error_code` of an answer with `status`. */
  readonly errorCode?: string;
  /** The path of the request that it is for. @defaultValue '/v1/messages' */
  readonly path?: string;
}

/** An answer as the handling takes it. */
export interface ProgrammedAnswer {
  readonly faults: Faults;
  readonly reply: ReplyContent | undefined;
}

/** Answers that a test put in line, taken by requests in their order. */
export interface ProgrammedAnswers {
  /** How many were not taken yet. */
  readonly size: number;
  add(answer: NextAnswer): void;
  /** The first answer for a path; it is taken once. */
  take(path: string): ProgrammedAnswer | undefined;
  clear(): void;
}

/** Answers that may wait at once. */
export const MOST_PROGRAMMED_ANSWERS = 10_000;

const REPLY_MEMBERS: Readonly<Record<keyof ReplyContent, true>> = Object.freeze({ thinking: true, text: true, toolUse: true, stopReason: true, outputTokens: true });
const KNOWN: Readonly<Record<keyof NextAnswer, unknown>> = Object.freeze({ ...FAULT_WORDS, ...REPLY_MEMBERS, message: true, errorCode: true, path: true });

/** Creates an empty line. */
export function createProgrammedAnswers(): ProgrammedAnswers {
  const waiting: (ProgrammedAnswer & { readonly path: string })[] = [];
  return {
    get size() { return waiting.length; },
    add: (answer) => {
      if (waiting.length >= MOST_PROGRAMMED_ANSWERS) throw new SimulatorError('invalid_option', `at most ${MOST_PROGRAMMED_ANSWERS} answers may wait`);
      waiting.push(readAnswer(answer));
    },
    take: (path) => {
      const index = waiting.findIndex((answer) => answer.path === path);
      return index === -1 ? undefined : waiting.splice(index, 1)[0];
    },
    clear: () => { waiting.length = 0; },
  };
}

function readAnswer(answer: NextAnswer): ProgrammedAnswer & { readonly path: string } {
  const unknown = describeUnknownOption(answer, KNOWN);
  if (unknown !== undefined) throw new SimulatorError('unknown_option', unknown);
  const { thinking, text, toolUse, stopReason, outputTokens, message, errorCode, path = '/v1/messages', ...faults } = answer;
  const hasReply = [thinking, text, toolUse, stopReason, outputTokens].some((member) => member !== undefined);
  return {
    path,
    faults: { ...readFaultOptions(faults), ...message === undefined ? {} : { message }, ...errorCode === undefined ? {} : { errorCode } },
    reply: hasReply ? answer : undefined,
  };
}
