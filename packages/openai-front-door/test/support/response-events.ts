import type { JsonObject } from '../../src/json/json-value.ts';

/** An event of a Responses stream. */
export interface ResponseEvent extends JsonObject {
  readonly type: string;
  readonly sequence_number: number;
}

/** The events of a stream, as a strict reader sees them: the name of each frame is the type in its data, and the numbers have no gap. */
export function readResponseEvents(stream: string): readonly ResponseEvent[] {
  const frames = stream.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
  return frames.map((frame, index) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
    if (name === undefined || data === undefined) throw new Error(`not an event: ${frame}`);
    const event = JSON.parse(data) as ResponseEvent;
    if (event.type !== name || event.sequence_number !== index) throw new Error(`event ${index} is ${name} with ${event.type} ${event.sequence_number}`);
    return event;
  });
}
