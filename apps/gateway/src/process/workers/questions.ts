/** Questions to a worker that may be open at once; those that a silent worker does not answer must not accumulate. */
const MAX_QUESTIONS = 16;

interface Question<Answer> {
  readonly answer: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

/** Numbered questions to one worker and the promises of their answers. A question to a silent worker does not settle: the caller has a timeout of its own. */
export class Questions<Answer> {
  readonly #open = new Map<number, Question<Answer>>();
  #asked = 0;

  /** Sends a question under a new number. */
  ask(send: (question: number) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked += 1;
      if (this.#open.size > MAX_QUESTIONS) this.#open.clear();
      this.#open.set(this.#asked, { answer: resolve, fail: reject });
      send(this.#asked);
    });
  }

  /** Takes the answer to a question; one that nothing waits for is dropped. */
  answer(question: number, answer: Answer): void {
    this.#open.get(question)?.answer(answer);
    this.#open.delete(question);
  }

  /** The worker is gone. */
  fail(error: Error): void {
    for (const { fail } of this.#open.values()) fail(error);
    this.#open.clear();
  }
}

/** An answer, or `undefined` where none came in time or the worker is gone. */
export async function answerWithin<Answer>(answer: Promise<Answer>, milliseconds: number): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, milliseconds, undefined); });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
