import { ask, at, fingerprint } from '../ask.ts';
import type { DemoPage } from '../demo-page.ts';
import type { DemoStage } from '../demo-stage.ts';

/** The same question in both formats: what the native one keeps. */
export async function showFormats(stage: DemoStage, page: DemoPage): Promise<void> {
  page.title('1. The same question, natively and in OpenAI\'s format');
  page.explain('/anthropic carries the API\'s own bytes. /v1 speaks Chat Completions and translates.');
  const messages = [{ role: 'user', content: 'In one sentence: what does a penstock do?' }];
  const question = { model: stage.model, max_tokens: 200, messages };
  const [native, translated] = [
    await ask(`${stage.anthropic}/v1/messages`, { body: question }),
    await ask(`${stage.openai}/chat/completions`, { body: question }),
  ];
  page.show('native', JSON.stringify({ content: native.json['content'], stop_reason: native.json['stop_reason'], usage: native.json['usage'] }));
  page.show('OpenAI', JSON.stringify({ message: at(translated.json, 'choices', 0, 'message'), finish_reason: at(translated.json, 'choices', 0, 'finish_reason'), usage: translated.json['usage'] }));
  page.claim('the native answer has typed content blocks, stop_reason and the full usage', Array.isArray(native.json['content']) && native.json['stop_reason'] === 'end_turn' && at(native.json, 'usage', 'cache_read_input_tokens') !== undefined, native.json);
  page.claim('the translated answer has one string, finish_reason and summed usage', typeof at(translated.json, 'choices', 0, 'message', 'content') === 'string' && at(translated.json, 'choices', 0, 'finish_reason') === 'stop' && typeof at(translated.json, 'usage', 'total_tokens') === 'number', translated.json);
  if (stage.simulator === undefined) return;
  const direct = await ask(`${stage.simulator.origin}/v1/messages`, { body: question, headers: { 'anthropic-version': '2023-06-01' } });
  page.show('SHA-256', `${fingerprint(direct.body)} from the upstream, ${fingerprint(native.body)} through the gateway`);
  page.claim('the native answer is byte for byte what the upstream sent', direct.body.equals(native.body));
}
