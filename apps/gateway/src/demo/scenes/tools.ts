import { ask, at } from '../ask.ts';
import type { DemoPage } from '../demo-page.ts';
import type { DemoStage } from '../demo-stage.ts';

const WEATHER_TOOL = {
  name: 'get_weather', description: 'The weather in a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** A tool is called and its result given, in the API's own blocks. */
export async function showTools(stage: DemoStage, page: DemoPage): Promise<void> {
  page.title('3. A tool round trip, natively');
  page.explain('Tool calls and results are content blocks; ids, inputs and order are the API\'s own.');
  const question = { role: 'user', content: 'What is the weather in Paris? Use the tool.' };
  const url = `${stage.anthropic}/v1/messages`;
  const first = await ask(url, { body: { model: stage.model, max_tokens: 300, tools: [WEATHER_TOOL], tool_choice: { type: 'tool', name: WEATHER_TOOL.name }, messages: [question] } });
  const blocks = Array.isArray(first.json['content']) ? first.json['content'] as unknown[] : [];
  const call = blocks.find((block) => at(block, 'type') === 'tool_use');
  page.show('calls', call === undefined ? '(nothing)' : JSON.stringify(call));
  page.claim('the model calls get_weather, with an id and an object as input', at(call, 'name') === 'get_weather' && String(at(call, 'id')).startsWith('toolu_') && typeof at(call, 'input') === 'object', first.json);
  const second = await ask(url, {
    body: {
      model: stage.model, max_tokens: 300, tools: [WEATHER_TOOL],
      messages: [question, { role: 'assistant', content: blocks }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: at(call, 'id'), content: '18 degrees, light rain' }] }],
    },
  });
  page.show('answers', String(at(second.json, 'content', 0, 'text')));
  page.claim('given the result under the same id, it answers in text', second.status === 200 && at(second.json, 'content', 0, 'type') === 'text', second.json);
}
