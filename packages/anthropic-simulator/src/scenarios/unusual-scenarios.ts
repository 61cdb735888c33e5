import { isJsonObject, objectsOf, textOf, type JsonObject } from '../json.ts';
import type { PlannedBlock } from '../messages/message-plan.ts';
import { citedTextBlock, redactedThinkingBlock, serverToolUseBlock, textBlock, thinkingBlock, toolUseBlock, wholeBlock } from '../messages/planned-blocks.ts';
import { writeProse } from '../messages/prose.ts';
import { argumentsForSchema } from '../messages/value-for-schema.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { answerText, planOf } from './plan-answer.ts';
import { chosenTool } from './request-facts.ts';
import type { Scenario } from './scenario.ts';
import { mcpBlocks, searchBlocks } from './server-tool-scenarios.ts';

/** Declines: no content, the reason in `stop_details`. */
export const refusal: Scenario = () => ({
  ...planOf([]), stopReason: 'refusal', outputTokens: 5,
  stopDetails: { type: 'refusal', category: 'cyber', explanation: "This request triggered restrictions on violative cyber content and was blocked under Anthropic's Usage Policy." },
});

/** One model declines and another answers: a `fallback` block without deltas comes first. */
export const fallback: Scenario = (context) => {
  const { model, random } = context;
  const block = wholeBlock({ type: 'fallback', from: { model }, to: { model: 'claude-sonnet-4-6' }, trigger: { type: 'refusal', category: null } });
  return planOf([block, textBlock(writeProse(random, 2), random)]);
};

/** Runs into the end of the model's context window. */
export const contextWindow: Scenario = (context) => ({ ...answerText(context, writeProse(context.random, 3)), stopReason: 'model_context_window_exceeded' });

/** Summarises the conversation before it answers. */
export const compaction: Scenario = ({ random }) => {
  const plan = planOf([compactionBlock(random), textBlock(writeProse(random, 2), random)]);
  const iteration = { input_tokens: 60_385, output_tokens: 522, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, type: 'compaction' };
  return { ...plan, usage: { iterations: [iteration] }, contextManagement: { applied_edits: [] } };
};

/** Has nothing to say, and says it successfully. */
export const emptyAnswer: Scenario = () => ({ ...planOf([]), outputTokens: 2 });

/** Cites the document that the client gave it, by characters. */
export const documentCitations: Scenario = ({ request, random }) => {
  const documents = objectsOf(request['messages']).flatMap((message) => objectsOf(message['content'])).filter((block) => block['type'] === 'document');
  const source = documents[0]?.['source'];
  const text = isJsonObject(source) ? textOf(source['data']) : '';
  const cited = (text === '' ? 'A penstock carries water under pressure.' : text).slice(0, 80);
  const citation = { type: 'char_location', cited_text: cited, document_index: 0, document_title: documents[0]?.['title'] ?? null, start_char_index: 0, end_char_index: cited.length, file_id: null };
  return planOf([citedTextBlock(cited, [citation], random), textBlock(` ${writeProse(random, 1)}`, random)]);
};

/** Asks a stronger model for advice. */
export const advisor: Scenario = ({ random }) => {
  const use = serverToolUseBlock('advisor', {}, random);
  const result = { type: 'advisor_tool_result', tool_use_id: use.id, content: { type: 'advisor_result', text: writeProse(random, 3) } };
  return planOf([thinkingBlock(writeProse(random, 1), random), { ...use, pieces: [''] }, wholeBlock(result), textBlock(writeProse(random, 2), random)]);
};

/** One answer with every kind of block and delta. */
export const allBlocks: Scenario = (context) => {
  const { random, request } = context;
  const search = searchBlocks('penstock', random);
  const tool = chosenTool(request);
  const blocks: PlannedBlock[] = [
    compactionBlock(random), thinkingBlock(writeProse(random, 2), random), redactedThinkingBlock(random), ...search.blocks,
    citedTextBlock(writeProse(random, 1), search.citations, random), ...mcpBlocks(random),
    textBlock(writeProse(random, 1), random), toolUseBlock(tool.name, argumentsForSchema(tool.inputSchema, random), random),
  ];
  return { ...planOf(blocks), stopReason: 'tool_use', usage: { server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 } } };
};

/** Ends with a stop reason that no client knows yet. */
export const unknownStop: Scenario = (context) => ({ ...answerText(context, writeProse(context.random, 1)), stopReason: 'sluice_closed' });

/** Mixes events of an unknown type into the stream. */
export const unknownEvent: Scenario = (context) => {
  const event: JsonObject = { type: 'sluice_status', level: 7, note: 'an event that no client knows yet' };
  return { ...answerText(context, writeProse(context.random, 2)), extraEvents: new Map([[1, event], [4, event]]) };
};

/** Answers with a block of an unknown type between two texts. */
export const unknownBlock: Scenario = ({ random }) =>
  planOf([textBlock(writeProse(random, 1), random), wholeBlock({ type: 'sluice_reading', level: 7 }), textBlock(writeProse(random, 1), random)]);

/** Fails inside a 200 stream after so many events; without streaming the same failure is a 529. */
export function errorEventAfter(events: number): Scenario {
  return (context) => ({ ...answerText(context, writeProse(context.random, 4)), errorAfterEvents: events });
}

function compactionBlock(random: SeededRandom): PlannedBlock {
  const content = `## Summary\n\n${writeProse(random, 3)}`;
  return { block: { type: 'compaction', content }, pieces: [content] };
}
