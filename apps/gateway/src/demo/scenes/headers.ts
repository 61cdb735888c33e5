import { ask } from '../ask.ts';
import type { DemoPage } from '../demo-page.ts';
import type { DemoStage } from '../demo-stage.ts';

const BETA = 'context-1m-2025-08-07,interleaved-thinking-2025-05-14';

/** Which fields cross, which do not, and how one request is found in two logs. */
export async function showHeaders(stage: DemoStage, page: DemoPage): Promise<void> {
  page.title('5. Beta headers, correlation and credentials');
  page.explain('anthropic-* crosses unchanged. A credential of the client never does. Every answer carries two ids.');
  const answer = await ask(`${stage.anthropic}/v1/messages`, {
    headers: { ...(stage.simulator === undefined ? {} : { 'anthropic-beta': BETA }), 'x-api-key': 'sk-of-the-client', cookie: 'session=secret' },
    body: { model: stage.model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
  });
  page.show('answer', `request-id: ${answer.headers.get('request-id')}\nx-penstock-request-id: ${answer.headers.get('x-penstock-request-id')}`);
  page.claim('the answer carries the API\'s request id and the gateway\'s own', answer.headers.get('request-id')?.startsWith('req_') === true && answer.headers.get('x-penstock-request-id')?.startsWith('pen_') === true);
  page.claim('the quota headers of the API arrive', [...answer.headers.keys()].some((name) => name.startsWith('anthropic-ratelimit-')), [...answer.headers.keys()]);
  if (stage.simulator !== undefined) {
    const raw = stage.simulator.requests.at(-1)?.rawHeaders ?? [];
    const values = (name: string): string[] => raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
    page.show('upstream got', ['anthropic-beta', 'x-api-key', 'via', 'cookie'].map((name) => `${name}: ${values(name).join(', ') || '(nothing)'}`).join('\n'));
    page.claim('anthropic-beta reached the upstream unchanged', values('anthropic-beta').join() === BETA, values('anthropic-beta'));
    page.claim('the upstream got the gateway\'s key, not the client\'s, and no cookie', values('x-api-key').join() === 'simulated-key' && values('cookie').length === 0, values('x-api-key'));
  }
  const drops = await stage.counted(/^penstock_headers_dropped_total\{direction="request",reason="(?:credential|cookie)"/, 2);
  page.show('counted', drops.join('\n'));
  page.claim('no drop is silent: both are counted with their reason', drops.length === 2, drops);
}
