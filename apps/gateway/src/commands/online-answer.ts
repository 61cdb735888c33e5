/** What came of asking an upstream, or for its credential. */
export interface OnlineAnswer {
  /** One line for people. */
  readonly text: string;
  readonly accepted: boolean;
}

/** Puts the place in the configuration before what is known of the credential there. */
export function answerAt(at: string, { text, accepted }: OnlineAnswer): OnlineAnswer {
  return { text: `${at}: ${text}`, accepted };
}
