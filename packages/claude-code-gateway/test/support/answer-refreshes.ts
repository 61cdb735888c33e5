import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestGateway } from './start-test-gateway.ts';

/** Answers of the token endpoint and of userinfo, as a provider that sends no ID token with a refresh. */
export const REFRESH_ANSWERS = {
  granted: (response: ServerResponse, refreshToken?: string): void => { send(response, 200, { access_token: 'a', token_type: 'Bearer', expires_in: 60, ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }) }); },
  refused: (response: ServerResponse): void => { send(response, 400, { error: 'invalid_grant' }); },
  person: (response: ServerResponse): void => { send(response, 200, { sub: 'alice', email: 'alice@example.com', email_verified: true, groups: ['engineers'] }); },
};

/** Answers each refresh in the provider's place. @returns the refresh tokens that the gateway presented, in their order */
export function answerRefreshes(gateway: TestGateway, answer: (response: ServerResponse, turn: number) => void): readonly string[] {
  const presented: string[] = [];
  const answerToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = new URLSearchParams(await text(request)).get('refresh_token') ?? '';
    answer(response, presented.push(token));
  };
  gateway.provider.intercept = (request, response) => {
    if (request.url === '/me') REFRESH_ANSWERS.person(response);
    else if (request.url === '/token') void answerToken(request, response);
    else return false;
    return true;
  };
  return presented;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
