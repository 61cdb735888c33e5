import { textOf, type JsonObject } from '../json.ts';
import type { PlannedBlock } from '../messages/message-plan.ts';
import { citedTextBlock, serverToolUseBlock, textBlock, thinkingBlock, wholeBlock } from '../messages/planned-blocks.ts';
import { writeProse } from '../messages/prose.ts';
import { apiIdentifier, type SeededRandom } from '../seeded-random.ts';
import { planOf } from './plan-answer.ts';
import { chosenTool, lastUserText } from './request-facts.ts';
import { argumentsForSchema } from '../messages/value-for-schema.ts';
import type { Scenario } from './scenario.ts';

const DIRECT = { type: 'direct' } as const;

/** Searches the web, then answers with citations of what it found. */
export const webSearch: Scenario = ({ request, random }) => {
  const search = searchBlocks(lastUserText(request), random);
  const blocks = [...search.blocks, citedTextBlock(writeProse(random, 2), search.citations, random), textBlock(` ${writeProse(random, 1)}`, random)];
  return { ...planOf(blocks), usage: serverToolUsage(1, 0) };
};

/** Fetches a page and answers. */
export const webFetch: Scenario = ({ random }) => {
  const url = 'https://example.com/penstock';
  const use = serverToolUseBlock('web_fetch', { url }, random);
  const page = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: writeProse(random, 6) }, title: 'Penstock' };
  const result = { type: 'web_fetch_tool_result', tool_use_id: use.id, content: { type: 'web_fetch_result', url, retrieved_at: '2026-11-22T09:30:00.000000+00:00', content: page }, caller: DIRECT };
  return { ...planOf([use, wholeBlock(result), textBlock(writeProse(random, 2), random)]), usage: serverToolUsage(0, 1) };
};

/** Pauses a long turn of searches, to be continued by the client. */
export const pauseTurn: Scenario = ({ request, random }) => {
  const searches = [1, 2, 3].flatMap((round) => searchBlocks(`${lastUserText(request)} ${round}`, random).blocks);
  return { ...planOf([thinkingBlock(writeProse(random, 1), random), ...searches]), stopReason: 'pause_turn', usage: serverToolUsage(3, 0) };
};

/** Cites the search results that the client gave it. */
export const searchedCitations: Scenario = ({ random }) => {
  const citation = { type: 'search_result_location', cited_text: writeProse(random, 1), search_result_index: 0, source: 'https://example.com/penstock', start_block_index: 0, end_block_index: 1, title: 'Penstock' };
  return planOf([citedTextBlock(writeProse(random, 2), [citation], random)]);
};

/** Runs a shell command in a container. */
export const codeExecution: Scenario = ({ random }) => {
  const use = serverToolUseBlock('bash_code_execution', { command: 'echo "6 * 7" | bc -l' }, random);
  const result = { type: 'bash_code_execution_tool_result', tool_use_id: use.id, content: { type: 'bash_code_execution_result', stdout: '42\n', stderr: '', return_code: 0, content: [] } };
  const blocks = [textBlock('I will calculate that.', random), use, wholeBlock(result), textBlock(writeProse(random, 2), random)];
  return { ...planOf(blocks), container: containerOf(random), usage: serverToolUsage(0, 0) };
};

/** Writes a file in a container and hands it over. */
export const textEditor: Scenario = ({ random }) => {
  const use = serverToolUseBlock('text_editor_code_execution', { command: 'create', path: '/tmp/gate.py', file_text: 'print("open")\n' }, random);
  const result = { type: 'text_editor_code_execution_tool_result', tool_use_id: use.id, content: { type: 'text_editor_code_execution_create_result', is_file_update: false } };
  const upload = { type: 'container_upload', file_id: apiIdentifier('file', random) };
  return { ...planOf([use, wholeBlock(result), wholeBlock(upload), textBlock(writeProse(random, 1), random)]), container: containerOf(random), usage: serverToolUsage(0, 0) };
};

/** Calls the client's tool from inside a code execution: the call arrives whole, with its caller. */
export const programmaticToolCall: Scenario = ({ request, random }) => {
  const tool = chosenTool(request);
  const use = serverToolUseBlock('code_execution', { code: `print(await ${tool.name}())\n` }, random);
  const call = { type: 'tool_use', id: apiIdentifier('toolu', random), name: tool.name, input: argumentsForSchema(tool.inputSchema, random), caller: { type: 'code_execution_20250825', tool_id: use.id } };
  const result = { type: 'code_execution_tool_result', tool_use_id: use.id, content: { type: 'code_execution_result', stdout: 'ready\n', stderr: '', return_code: 0, content: [] } };
  return { ...planOf([use, wholeBlock(result), wholeBlock(call)]), stopReason: 'tool_use', container: containerOf(random), usage: serverToolUsage(0, 0) };
};

/** Searches among deferred tools, then calls the one it found. */
export const toolSearch: Scenario = ({ request, random }) => {
  const { name } = chosenTool(request);
  const use = serverToolUseBlock('tool_search_tool_regex', { pattern: name, limit: 5 }, random);
  const result = { type: 'tool_search_tool_result', tool_use_id: use.id, content: { type: 'tool_search_tool_search_result', tool_references: [{ type: 'tool_reference', tool_name: name }] } };
  return { ...planOf([textBlock('I will look for a tool.', random), use, wholeBlock(result), textBlock(`There is one called ${name}.`, random)]), usage: serverToolUsage(0, 0) };
};

/** Calls a tool of an MCP server. */
export const mcpTool: Scenario = ({ random }) => planOf([...mcpBlocks(random), textBlock(writeProse(random, 2), random)]);

/** A call of an MCP server's tool and its result. */
export function mcpBlocks(random: SeededRandom): readonly PlannedBlock[] {
  const id = apiIdentifier('mcptoolu', random);
  const use = { type: 'mcp_tool_use', id, name: 'ask_question', input: { question: 'What is a penstock?' }, server_name: 'example' };
  const result = { type: 'mcp_tool_result', tool_use_id: id, is_error: false, content: [{ type: 'text', text: writeProse(random, 1) }] };
  return [{ block: use, pieces: ['', JSON.stringify(use.input)] }, wholeBlock(result)];
}

/** A web search, its results and the citations of them. */
export function searchBlocks(question: string, random: SeededRandom): { readonly blocks: readonly PlannedBlock[]; readonly citations: readonly JsonObject[] } {
  const use = serverToolUseBlock('web_search', { query: question.slice(0, 60) || 'penstock' }, random);
  const results = ['Penstock', 'Turbines — an overview', '水圧管とは'].map((title, index) => ({
    type: 'web_search_result', title, url: `https://example.com/${index + 1}`, encrypted_content: random.base64(1_500), page_age: index === 0 ? null : `${index} days ago`,
  }));
  const citations = results.slice(0, 2).map(({ title, url }) => ({
    type: 'web_search_result_location', cited_text: writeProse(random, 1).slice(0, 150), url, title: textOf(title), encrypted_index: random.base64(120),
  }));
  return { blocks: [use, wholeBlock({ type: 'web_search_tool_result', tool_use_id: use.id, content: results, caller: DIRECT })], citations };
}

function serverToolUsage(searches: number, fetches: number): JsonObject {
  return { server_tool_use: { web_search_requests: searches, web_fetch_requests: fetches } };
}

function containerOf(random: SeededRandom): JsonObject {
  return { id: apiIdentifier('container', random), expires_at: '2026-11-22T10:30:00.000000Z' };
}
