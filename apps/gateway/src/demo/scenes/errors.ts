import { ask, at, type Answer } from '../ask.ts';
import type { DemoPage } from '../demo-page.ts';
import type { DemoStage } from '../demo-stage.ts';

/** Errors keep the status, the body and the headers of their origin. */
export async function showErrors(stage: DemoStage, page: DemoPage): Promise<void> {
  page.title('4. Errors say who made them');
  page.explain('An error of the API crosses untouched. One of the gateway has the same shape, and x-penstock-error.');
  const url = `${stage.anthropic}/v1/messages`;
  const question = { model: stage.model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] };
  const show = (label: string, answer: Answer): void => page.show(label, `${answer.status} ${answer.body.toString()}`);

  const refused = await ask(url, { body: { ...question, max_tokens: 0 } });
  show('the API', refused);
  page.claim('the API\'s 400 keeps its status, its wording and its request id', refused.status === 400 && at(refused.json, 'error', 'type') === 'invalid_request_error' && refused.headers.get('request-id')?.startsWith('req_') === true, refused.json);
  page.claim('it is not marked as the gateway\'s', refused.headers.get('x-penstock-error') === null);

  const missing = await ask(`${stage.anthropic}/messages`, { body: question });
  show('the gateway', missing);
  page.claim('the gateway\'s own 421 has the same shape, names itself, and the right base URL', missing.status === 421 && missing.json['type'] === 'error' && missing.headers.get('x-penstock-error') === 'misdirected' && String(missing.json['request_id']).startsWith('pen_'), missing.json);

  if (stage.simulator === undefined) return;
  const overloaded = await ask(url, { body: { ...question, model: 'sim-overloaded' } });
  show('the API', overloaded);
  page.claim('an overloaded API is a 529 here too, never a 500', overloaded.status === 529 && at(overloaded.json, 'error', 'type') === 'overloaded_error', overloaded.json);
  const throttled = await ask(url, { body: { ...question, model: 'sim-rate-limited' } });
  show('the API', throttled);
  page.claim('a rate limit keeps its retry-after', throttled.status === 429 && throttled.headers.get('retry-after') !== null, Object.fromEntries(throttled.headers));
}
