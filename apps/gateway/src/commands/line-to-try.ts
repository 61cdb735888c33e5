import { matchesGlob } from '../access/clients/matches-glob.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { nativeUpstreams, servesNative } from '../config/native-upstreams.ts';

const USUAL_MODEL = 'claude-haiku-4-5';
/** The same model as the clouds name it. */
const BEDROCK_MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const VERTEX_MODEL = 'claude-haiku-4-5@20251001';
/** What may stand in a path within a command line. */
const PLAIN_MODEL = /^[\w.:@-]+$/;

/** One command that shows at once whether the gateway works, with the credentials that its callers need. */
export function lineToTry(base: string, config: GatewayConfig): string {
  if (!servesNative(config)) return lineForCloud(base, config);
  const forwards = config.anthropic_native.credentials === 'forward';
  // Under `forward` x-api-key is the client's own, and the gateway's key stands beside it.
  const clientKey = config.clients.length > 0 ? ` -H '${forwards ? 'x-penstock-key' : 'x-api-key'}: YOUR_CLIENT_KEY'` : '';
  const key = clientKey + (forwards ? ' -H "x-api-key: $YOUR_ANTHROPIC_KEY"' : '');
  const body = `{"model":"${servedModel(config)}","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Say hello"}]}`;
  return `curl -N ${base}/anthropic/v1/messages -H 'content-type: application/json'${key} -d '${body}'`;
}

/** A model to try: the usual one where an upstream serves it, else one that an upstream has another name for. */
function servedModel(config: GatewayConfig): string {
  const upstreams = nativeUpstreams(config);
  const isServed = upstreams.some(({ models, model_map: map }) => (Object.keys(map).length === 0 ? models.some((pattern) => matchesGlob(pattern, USUAL_MODEL)) : Object.hasOwn(map, USUAL_MODEL)));
  // It stands in a command line: a name with other characters is left out.
  const mapped = upstreams.flatMap(({ model_map: map }) => Object.keys(map)).find((model) => /^[\w.:@/-]+$/.test(model));
  return isServed ? USUAL_MODEL : mapped ?? USUAL_MODEL;
}

/** The same for a gateway without a native side. */
function lineForCloud(base: string, { bedrock, vertex, clients }: GatewayConfig): string {
  const [path, version] = bedrock !== undefined
    ? [`/bedrock/model/${listedModel(bedrock.models) ?? BEDROCK_MODEL}/invoke`, 'bedrock-2023-05-31']
    : [`/vertex/v1/projects/${vertex?.project_id}/locations/${vertex?.location}/publishers/anthropic/models/${listedModel(vertex?.models) ?? VERTEX_MODEL}:rawPredict`, 'vertex-2023-10-16'];
  const key = clients.length > 0 ? " -H 'x-api-key: YOUR_CLIENT_KEY'" : '';
  const body = `{"anthropic_version":"${version}","max_tokens":64,"messages":[{"role":"user","content":"Say hello"}]}`;
  return `curl ${base}${path} -H 'content-type: application/json'${key} -d '${body}'`;
}

function listedModel(models: readonly string[] | undefined): string | undefined {
  return models?.find((model) => PLAIN_MODEL.test(model));
}
