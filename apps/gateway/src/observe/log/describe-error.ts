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

/** The codes of an error and of what caused it, outermost first, for one field of a log line. */
export function errorCodes(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const codes: string[] = [];
  for (let description: ErrorDescription | undefined = describeError(error); description !== undefined; description = description.cause) {
    codes.push(description.code ?? description.name);
  }
  return codes.join(': ');
}
