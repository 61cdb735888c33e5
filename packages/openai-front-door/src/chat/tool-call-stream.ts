import { FrontDoorError } from '../errors/front-door-error.ts';
import { isJsonObject } from '../json/json-value.ts';

/** Calls that are open at once; the upstream opens one after the other. */
const MAX_OPEN_CALLS = 128;

interface OpenCall {
  /** The position among tool calls only; the upstream's index counts text and thinking as well. */
  readonly position: number;
  /** The input that came whole with the start, where there was one. */
  readonly input: string;
  hasArguments: boolean;
}

/** The tool calls of one stream; each method returns a delta, or `undefined` when there is nothing to say. */
export interface ToolCallStream {
  start(blockIndex: number, id: string, name: string, input: unknown): unknown;
  append(blockIndex: number, partialJson: string): unknown;
  stop(blockIndex: number): unknown;
  /** How many calls began. */
  count(): number;
  /** Ends calls that the upstream left open. */
  stopAll(): unknown;
}

/** Begins to follow the tool calls of one stream; only calls that are open take memory. */
export function createToolCallStream(usesLegacyFunctions: boolean): ToolCallStream {
  const open = new Map<number, OpenCall>();
  let count = 0;
  const argumentsDelta = (call: OpenCall, text: string): unknown => {
    if (usesLegacyFunctions) return call.position === 0 ? { function_call: { arguments: text } } : undefined;
    return { tool_calls: [{ index: call.position, function: { arguments: text } }] };
  };
  const stop = (blockIndex: number): unknown => {
    const call = open.get(blockIndex);
    open.delete(blockIndex);
    // No arguments at all must still be JSON: `{}`, or what came whole with the start.
    return call === undefined || call.hasArguments ? undefined : argumentsDelta(call, call.input);
  };
  return {
    start: (blockIndex, id, name, input) => {
      if (open.size >= MAX_OPEN_CALLS) throw new FrontDoorError('upstream_invalid', 'The upstream left several tool calls open.');
      const position = count;
      count += 1;
      open.set(blockIndex, { position, input: isJsonObject(input) ? JSON.stringify(input) : '{}', hasArguments: false });
      if (usesLegacyFunctions) return position === 0 ? { function_call: { name, arguments: '' } } : undefined;
      return { tool_calls: [{ index: position, id, type: 'function', function: { name, arguments: '' } }] };
    },
    append: (blockIndex, partialJson) => {
      if (partialJson === '') return undefined;
      const call = open.get(blockIndex);
      // Input of a server tool's block comes the same way; a call that was never opened belongs to one.
      if (call === undefined) return undefined;
      call.hasArguments = true;
      return argumentsDelta(call, partialJson);
    },
    stop,
    count: () => count,
    stopAll: () => {
      const [blockIndex] = open.keys();
      if (blockIndex === undefined) return undefined;
      if (open.size > 1) throw new FrontDoorError('upstream_invalid', 'The upstream left several tool calls open.');
      return stop(blockIndex);
    },
  };
}
