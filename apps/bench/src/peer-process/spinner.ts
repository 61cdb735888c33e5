/**
 * Keeps this process's core awake: the event loop polls and never sleeps. A program that writes to a sleeping process pays for the wake-up with CPU
 * time of its own (in a virtual machine up to 45 µs for each end of a request), and a slow program finds the process asleep more often.
 */
export class Spinner {
  readonly #turns: (() => void)[] = [];
  #isSpinning = false;

  /** Calls `turn` in each turn of the event loop while it spins. */
  onTurn(turn: () => void): void {
    this.#turns.push(turn);
  }

  get isSpinning(): boolean {
    return this.#isSpinning;
  }

  spin(isOn: boolean): void {
    if (isOn === this.#isSpinning) return;
    this.#isSpinning = isOn;
    if (isOn) setImmediate(this.#next);
  }

  readonly #next = (): void => {
    if (!this.#isSpinning) return;
    for (const turn of this.#turns) turn();
    setImmediate(this.#next);
  };
}
