/** Why the simulator could not do what its caller asked; what it answers over HTTP is never an exception. */
export type SimulatorErrorCode = 'invalid_option' | 'unknown_option' | 'recording_not_found';

/** An error of the simulator's own API. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether an error came from this package. */
export function isSimulatorError(error: unknown): error is SimulatorError {
  return error instanceof SimulatorError;
}
