import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

/** The credential of the gateway at the clouds in tests; it must never reach a client. */
export const CLOUD_TOKEN = 'bedrock-api-key-of-the-gateway';

/** A message as both clouds answer it. */
export const MESSAGE = '{"model":"claude-x-20250101","id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":11,"output_tokens":7}}';

/** Odd spaces and escapes that parsing and writing again would change. */
export const REQUEST = '{ "anthropic_version": "bedrock-2023-05-31",\n "max_tokens": 9, "messages": [ {"role":"user","content":"\\u00e9 1e2"} ] }';

/** A gateway and the cloud behind it. */
export interface CloudPair {
  readonly gateway: TestGateway;
  readonly cloud: ScriptedUpstream;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The sections of both clouds, for an origin. */
export function cloudSections(origin: string, more: { readonly bedrock?: object; readonly vertex?: object } = {}): ConfigDocument {
  const shared = { base_url: origin, credential: { bearer: CLOUD_TOKEN } };
  return { bedrock: { ...shared, region: 'us-east-1', ...more.bedrock }, vertex: { ...shared, project_id: 'p1', location: 'us-east5', ...more.vertex } };
}

/** Starts a gateway that serves both clouds in front of an origin that answers every request. */
export async function startClouds(answer: (request: WireMessage) => Buffer = () => wholeResponse(200, ['content-type', 'application/json', 'x-amzn-requestid', 'aws-1'], MESSAGE), document: ConfigDocument = {}): Promise<CloudPair> {
  const cloud = await startScriptedUpstream(answerAlways(answer));
  return pairOf(cloud, document);
}

/** The same in front of an origin that the test made. */
export async function pairOf(cloud: ScriptedUpstream, { bedrock, vertex, ...rest }: ConfigDocument = {}): Promise<CloudPair> {
  const gateway = await startTestGateway('http://127.0.0.1:1', { ...rest, ...cloudSections(cloud.origin, { bedrock: bedrock as object, vertex: vertex as object }) });
  return {
    gateway, cloud,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await cloud.close();
    },
  };
}

/** Sends one request with a JSON body. */
export function post(gateway: TestGateway, path: string, headers: Readonly<Record<string, string>> = {}, body: string = REQUEST): Promise<Response> {
  return fetch(`${gateway.origin}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}
