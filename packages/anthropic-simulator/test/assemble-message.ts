import { record, records } from './fixture.ts';

type Payload = Readonly<Record<string, unknown>>;

/** Puts a stream together by the letter of the API: the message that a client ends up with. */
export function assembleMessage(payloads: readonly Payload[]): Payload {
  let message: Record<string, unknown> = {};
  const blocks: Array<Record<string, unknown>> = [];
  const json = new Map<number, string>();
  for (const payload of payloads) {
    const index = Number(payload['index']);
    switch (payload['type']) {
      case 'message_start': message = { ...record(payload['message']) }; break;
      case 'content_block_start': blocks[index] = { ...record(payload['content_block']) }; break;
      case 'content_block_delta': applyDelta(blocks[index] ?? {}, record(payload['delta']), index, json); break;
      case 'content_block_stop': if (json.has(index)) Object.assign(blocks[index] ?? {}, { input: JSON.parse(json.get(index) || '{}') }); break;
      case 'message_delta': {
        const { usage, delta, type: _type, ...more } = payload;
        message = { ...message, ...record(delta), ...more, usage: { ...record(message['usage']), ...record(usage) } };
        break;
      }
      default:
    }
  }
  return { ...message, content: blocks };
}

function applyDelta(block: Record<string, unknown>, delta: Payload, index: number, json: Map<number, string>): void {
  switch (delta['type']) {
    case 'text_delta': block['text'] = `${String(block['text'])}${String(delta['text'])}`; break;
    case 'thinking_delta': block['thinking'] = `${String(block['thinking'])}${String(delta['thinking'])}`; break;
    case 'signature_delta': block['signature'] = delta['signature']; break;
    case 'citations_delta': block['citations'] = [...records(block['citations']), record(delta['citation'])]; break;
    case 'compaction_delta': block['content'] = delta['content']; break;
    case 'input_json_delta': json.set(index, `${json.get(index) ?? ''}${String(delta['partial_json'])}`); break;
    default: throw new Error(`unknown delta ${String(delta['type'])}`);
  }
}

/** Throws unless the payloads follow the grammar of a stream, an error event at the end being allowed. */
export function checkGrammar(payloads: readonly Payload[]): void {
  const names = payloads.map((payload) => payload['type']).filter((name) => name !== 'ping' && name !== 'sluice_status').join(' ');
  const whole = /^message_start( content_block_start( content_block_delta)* content_block_stop)*( message_delta)+ message_stop$/;
  const broken = /^(message_start( content_block_(start|delta|stop))* )?error$/;
  if (!whole.test(names) && !broken.test(names)) throw new Error(`not a stream: ${names}`);
}
