import { createHash } from 'node:crypto';
import { invalidValue, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** A call that has no result yet. */
interface OpenCall {
  /** The id it has upstream. */
  readonly id: string;
  /** Where it stands in the request. */
  readonly param: string;
}

/** The open calls of one id, the next to be answered first. */
interface OpenCalls {
  readonly calls: OpenCall[];
  answered: number;
}

/** Pairs the tool calls of a conversation with their results, which the upstream demands in the user turn behind them. */
export interface ToolPairs {
  /** The blocks of an assistant turn with an id of its own for each call: some providers count their calls anew in every turn. */
  open(blocks: readonly JsonObject[], param: string): readonly JsonObject[];
  /** A result with the id of the call it answers. Throws the 400 for one that answers no call of the last assistant turn. */
  close(result: JsonObject, param: string): JsonObject;
  hasOpen(): boolean;
  /** Throws the 400 for a call that has no result. */
  requireClosed(): void;
}

const LONGEST_SHOWN_ID = 100;

function shown(id: string): string {
  return id.length > LONGEST_SHOWN_ID ? `${id.slice(0, LONGEST_SHOWN_ID)}…` : id;
}

/** Begins to pair. What an id becomes depends on the calls before it alone, so that a longer conversation has the same beginning. */
export function createToolPairs(scope: TranslationScope): ToolPairs {
  const uses = new Map<string, number>();
  /** By the id in the request: two calls of one id get the results in their order. */
  const open = new Map<string, OpenCalls>();
  const idFor = (id: string): string => {
    const earlier = uses.get(id) ?? 0;
    uses.set(id, earlier + 1);
    if (earlier === 0) return id;
    scope.ignore(scope.names.toolCallId);
    return `call_${createHash('sha256').update(`${id}\n${earlier}`).digest('hex')}`;
  };
  return {
    open: (blocks, param) => blocks.map((block) => {
      if (block['type'] !== 'tool_use') return block;
      const given = String(block['id']);
      const id = idFor(given);
      const waiting = open.get(given) ?? { calls: [], answered: 0 };
      waiting.calls.push({ id, param });
      open.set(given, waiting);
      return id === given ? block : { ...block, id };
    }),
    close: (result, param) => {
      const given = String(result['tool_use_id']);
      const waiting = open.get(given);
      const call = waiting?.calls[waiting.answered];
      if (waiting === undefined || call === undefined) {
        throw invalidValue(param, `no call with the id '${shown(given)}' comes right before this result; send the assistant's message with the call in front of it, or leave the result out`);
      }
      waiting.answered += 1;
      if (waiting.answered === waiting.calls.length) open.delete(given);
      return call.id === given ? result : { ...result, tool_use_id: call.id };
    },
    hasOpen: () => open.size > 0,
    requireClosed: () => {
      for (const [given, { calls, answered }] of open) {
        const call = calls[answered];
        if (call !== undefined) throw invalidValue(call.param, `the tool call '${shown(given)}' has no result behind it; send one for each call, or leave the call out`);
      }
    },
  };
}
