/** Writes the events of one response, numbered from 0. */
export interface ResponseEvents {
  /** An event with members of any kind. */
  frame(type: string, members: object): string;
  /** A delta; `place` is what `placeOf` made once for its item. */
  delta(type: string, place: string, text: string): string;
}

/** The members that every delta of an item has, as JSON. */
export function placeOf(members: object): string {
  return JSON.stringify(members).slice(1, -1);
}

/** Begins the events of one stream. */
export function createResponseEvents(): ResponseEvents {
  let sequence = 0;
  return {
    frame: (type, members) => {
      const data = JSON.stringify({ type, ...members, sequence_number: sequence });
      sequence += 1;
      return `event: ${type}\ndata: ${data}\n\n`;
    },
    // There is one for each token: only the text has to be escaped.
    delta: (type, place, text) => {
      const number = sequence;
      sequence += 1;
      return `event: ${type}\ndata: {"type":"${type}",${place},"delta":${JSON.stringify(text)},"sequence_number":${number}}\n\n`;
    },
  };
}

/** Of an answer that is given whole no event is written. */
export const NO_EVENTS: ResponseEvents = Object.freeze({ frame: () => '', delta: () => '' });
