// Loaded before a program: its wall clock is wrong by PENSTOCK_TEST_CLOCK_MS, as on a machine without time service. Timers and the monotonic clock are right.
const shiftMs = Number(process.env['PENSTOCK_TEST_CLOCK_MS'] ?? 0);
const RightDate = Date;

globalThis.Date = class extends RightDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RightDate.now() + shiftMs] : parts));
  }

  static now() {
    return RightDate.now() + shiftMs;
  }
};
