/** Options or capability data that cannot be used; lists every problem. Thrown at construction only, never for a request. */
export class FrontDoorOptionsError extends Error {
  override readonly name = 'FrontDoorOptionsError';
  readonly code = 'invalid_options';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
