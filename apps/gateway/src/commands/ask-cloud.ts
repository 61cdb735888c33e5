import { createUpstreamClient } from '@penstock/upstream-client';
import { request } from 'undici';
import { toUpstreamClientSettings } from '../config/upstream-client-settings.ts';
import { refusesAwsCredential } from '../observe/upstreams/aws-refusals.ts';
import type { CountRequest } from './count-request.ts';
import { describeUnasked, type OnlineAnswer } from './online-answer.ts';

type ClientConfig = Parameters<typeof toUpstreamClientSettings>[0];

/** A cloud, the connections to it, and what it is asked with. */
export interface AskedCloud extends ClientConfig {
  readonly baseUrl: string;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly count: CountRequest;
  /** How long its whole answer may take. Milliseconds. */
  readonly timeoutMs: number;
  /** Whether its requests are signed: then a refusal that names another error than one of credentials shows that the credential is good. */
  readonly isSigned: boolean;
  /** All fields of the request, those of the credential included. Rejects with what the credential fails with. */
  readonly fieldsFor: (method: string, url: string, fields: readonly string[], body: readonly Uint8Array[]) => Promise<string[]>;
}

const FIELDS = ['accept-encoding', 'identity', 'content-type', 'application/json'];

/** Asks a cloud once to count the tokens of one word. Gives back what that shows of the credential, as the end of a sentence. */
export async function askCloud({ baseUrl, ca, proxy, count, timeoutMs, isSigned, fieldsFor, ...settings }: AskedCloud): Promise<OnlineAnswer> {
  const base = new URL(baseUrl);
  const { origin } = base;
  const url = origin + base.pathname.replace(/\/+$/, '') + count.path;
  const headers = await fieldsFor('POST', url, FIELDS, [count.body]);
  const client = createUpstreamClient({ origin, ...toUpstreamClientSettings(settings), ...(ca === undefined ? {} : { tls: { ca } }), ...(proxy === undefined ? {} : { proxy }) });
  try {
    const { statusCode, headers: answered, body } = await request(url, { dispatcher: client, method: 'POST', headers, body: count.body, signal: AbortSignal.timeout(timeoutMs) });
    await body.dump();
    const errorName = answered['x-amzn-errortype'];
    return describe(origin, count, statusCode, isSigned && typeof errorName === 'string' ? refusesAwsCredential(['x-amzn-errortype', errorName]) : undefined);
  } catch (error) {
    return { text: describeUnasked(origin, error), accepted: false };
  } finally {
    await client.close({ graceMs: 0 });
  }
}

/** `isAboutCredential`: what the name of the error of a signed request shows; `undefined` where there is none. */
function describe(origin: string, { model, isListed }: CountRequest, status: number, isAboutCredential: boolean | undefined): OnlineAnswer {
  if (status === 200) return { text: `${origin} takes it, and counts tokens for ${model}`, accepted: true };
  if (status === 401 || (status === 403 && isAboutCredential === true)) return { text: `${origin} refuses it (${status})`, accepted: false };
  // Policies of AWS name each operation: one that allows messages alone is a sound one.
  if (status === 403 && isAboutCredential === false) return { text: `${origin} takes it, and does not let it count tokens for ${model} (403): whether it may send messages is not known`, accepted: true };
  if (status === 403) return { text: `${origin} does not let it count tokens for ${model} (403): it is wrong, or has no access to that model`, accepted: false };
  const isUnknownModel = !isListed && (status === 400 || status === 404);
  return { text: `${origin} answered ${status} to a count of tokens for ${model}, so that nothing is known of it${isUnknownModel ? '; list a model that is served there in models' : ''}`, accepted: isUnknownModel };
}
