import { isJsonObject, listOf, objectsOf, textOf, type JsonObject } from '../json.ts';
import { modelRules } from '../validation/model-rules.ts';

/** A tool that the client runs itself. */
export interface ClientTool {
  readonly name: string;
  readonly inputSchema: unknown;
}

const WEATHER_TOOL: ClientTool = Object.freeze({
  name: 'get_weather',
  inputSchema: { type: 'object', properties: { location: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } }, required: ['location'] },
});

/** The request's own tools that a client runs: those with an `input_schema`. */
export function clientTools(request: JsonObject): readonly ClientTool[] {
  return objectsOf(request['tools'])
    .filter((tool) => isJsonObject(tool['input_schema']))
    .map((tool) => ({ name: textOf(tool['name']), inputSchema: tool['input_schema'] }));
}

/** The tool a scenario calls: the one that `tool_choice` names, else the first, else a weather tool. */
export function chosenTool(request: JsonObject): ClientTool {
  const tools = clientTools(request);
  const choice = request['tool_choice'];
  const named = isJsonObject(choice) && choice['type'] === 'tool' ? tools.find((tool) => tool.name === choice['name']) : undefined;
  return named ?? tools[0] ?? WEATHER_TOOL;
}

/** Whether the model must call a tool now: `any` or `tool` was chosen and no tool result came back yet. */
export function isToolCallForced(request: JsonObject): boolean {
  const choice = request['tool_choice'];
  const isForced = isJsonObject(choice) && (choice['type'] === 'any' || choice['type'] === 'tool');
  return isForced && clientTools(request).length > 0 && !endsWithToolResult(request);
}

/** The tool that the user's last text asks for as `[call NAME]`, where the choice is left to the model: some models refuse to be forced. */
export function toolAskedFor(request: JsonObject): ClientTool | undefined {
  if (areToolsForbidden(request) || endsWithToolResult(request)) return undefined;
  const [, name] = /\[call ([\w-]+)\]/.exec(lastUserText(request)) ?? [];
  return clientTools(request).find((tool) => tool.name === name);
}

/** Whether tools are forbidden by `tool_choice: {"type": "none"}`. */
export function areToolsForbidden(request: JsonObject): boolean {
  const choice = request['tool_choice'];
  return isJsonObject(choice) && choice['type'] === 'none';
}

/** Whether the last message brings a tool result, so that a tool loop ends with text. */
export function endsWithToolResult(request: JsonObject): boolean {
  const last = objectsOf(request['messages']).at(-1);
  return last !== undefined && listOf(last['content']).some((block) => isJsonObject(block) && block['type'] === 'tool_result');
}

/** The last text that the user wrote, or an empty one. */
export function lastUserText(request: JsonObject): string {
  const last = objectsOf(request['messages']).findLast((message) => message['role'] === 'user');
  if (last === undefined) return '';
  if (typeof last['content'] === 'string') return last['content'];
  return textOf(objectsOf(last['content']).findLast((block) => block['type'] === 'text')?.['text']);
}

/** The JSON Schema that the answer must conform to, from `output_config.format` or the older `output_format`. */
export function outputSchema(request: JsonObject): JsonObject | undefined {
  const config = request['output_config'];
  const format = isJsonObject(config) && isJsonObject(config['format']) ? config['format'] : request['output_format'];
  return isJsonObject(format) && isJsonObject(format['schema']) ? format['schema'] : undefined;
}

/** Whether the model thinks about a request, and whether that is shown. */
export function thinkingMode(request: JsonObject): 'off' | 'shown' | 'omitted' {
  const { thinksByDefault, omitsThinking } = modelRules(textOf(request['model']));
  const thinking = request['thinking'];
  if (!isJsonObject(thinking) || typeof thinking['type'] !== 'string') return thinksByDefault ? 'omitted' : 'off';
  if (thinking['type'] === 'disabled') return 'off';
  const display = thinking['display'] ?? (omitsThinking ? 'omitted' : 'summarized');
  return display === 'omitted' ? 'omitted' : 'shown';
}

/** The non-empty stop sequences of a request. */
export function stopSequences(request: JsonObject): readonly string[] {
  return listOf(request['stop_sequences']).filter((sequence): sequence is string => typeof sequence === 'string' && sequence !== '');
}
