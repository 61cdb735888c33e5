import { answerJson, type ProtocolAnswer } from '../protocol-messages.ts';

/** The token response (RFC 6749 section 5.1). The e-mail is an extension for the sign-in: the client shows the account and asks before it stores anything. */
export function answerTokens(expiresIn: number, accessToken: string, refreshToken: string | undefined, email: string | undefined): ProtocolAnswer {
  return answerJson(200, {
    access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(email === undefined ? {} : { email }),
  });
}
