import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import type { SendTokenRequest } from './send-token-request.ts';

/** Bytes of the longest answer of a token server that is read. */
const MAX_ANSWER_BYTES = 262_144;

/** The network as the library asks for it: no redirect, a bounded answer, ended by a signal. */
export class EntraNetwork implements INetworkModule {
  readonly #send: SendTokenRequest;
  readonly #signal: AbortSignal;

  constructor(send: SendTokenRequest, signal: AbortSignal) {
    this.#send = send;
    this.#signal = signal;
  }

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#request(url, 'GET', options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#request(url, 'POST', options);
  }

  async #request<T>(url: string, method: string, { headers = {}, body }: NetworkRequestOptions = {}): Promise<NetworkResponse<T>> {
    const response = await this.#send(url, { method, headers, body: body ?? null, redirect: 'error', signal: this.#signal });
    const text = await readBounded(response);
    return { status: response.status, headers: Object.fromEntries(response.headers), body: parse(text) as T };
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new CloudCredentialError('invalid_value', `the token server gave more than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CloudCredentialError('invalid_value', 'the token server gave an answer that is not JSON');
  }
}
