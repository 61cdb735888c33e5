/** What a log may hold of an error: its name, code and place, never its message, which may quote a peer's bytes. */
export interface ErrorDescription {
  readonly name: string;
  readonly code?: string;
  /** The innermost stack frames. */
  readonly stack?: readonly string[];
  readonly cause?: ErrorDescription;
}

const MAX_FRAMES = 12;
const MAX_CAUSES = 4;

/** Describes an error for the log. */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code } = error as { code?: unknown };
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).slice(0, MAX_FRAMES).map((line) => line.trim());
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack.length > 0 ? { stack } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The codes of an error and of what caused it, outermost first, for one field of a log line. Its stack is not read: formatting one takes longer than all else here. */
export function errorCodes(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const codes: string[] = [];
  for (let cause: unknown = error; cause !== undefined && codes.length <= MAX_CAUSES; cause = cause instanceof Error ? cause.cause : undefined) {
    const { code } = cause instanceof Error ? cause as { code?: unknown } : {};
    codes.push(typeof code === 'string' ? code : cause instanceof Error ? cause.name : typeof cause);
  }
  return codes.join(': ');
}
