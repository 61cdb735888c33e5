import { execFile } from 'node:child_process';
import type { Environment } from '../config/reading/overrides.ts';

/** What a service manager is notified of (sd_notify(3)). */
export interface ServiceManager {
  /** `READY=1`, then `WATCHDOG=1` twice in each watchdog interval for as long as the event loop of this process turns. */
  ready(): void;
  /** Ends the beats; during a drain they go on, which may take minutes. */
  close(): void;
}

/** Beats in one interval of the watchdog: one may be late. */
const BEATS = 2;
/** One notification may take so long; then its program is ended, and the next one tries anew. */
const NOTIFY_MS = 5_000;

/**
 * Notifies systemd, where it started this process with `Type=notify`; with `WatchdogSec` also that the process still runs. Node has no datagram sockets
 * of the family that systemd listens on, so `systemd-notify(1)` sends each one: `NotifyAccess=all` lets it.
 */
export function createServiceManager(environment: Environment, onFailure: (message: string) => void): ServiceManager {
  let beat: NodeJS.Timeout | undefined;
  let hasFailed = false;

  // Nothing else of the environment: keys are in it.
  const env = { PATH: environment['PATH'], NOTIFY_SOCKET: environment['NOTIFY_SOCKET'] };

  function notify(state: string): void {
    execFile('systemd-notify', [state], { env, timeout: NOTIFY_MS }, (error) => {
      if (error === null || hasFailed) return;
      hasFailed = true;
      onFailure(`systemd could not be notified: ${error.message.trim()}`);
    });
  }

  return {
    ready() {
      notify('--ready');
      const intervalMs = watchdogMs(environment);
      if (intervalMs !== undefined) beat = setInterval(() => notify('WATCHDOG=1'), intervalMs / BEATS).unref();
    },
    close: () => clearInterval(beat),
  };
}

/** The interval in which systemd expects a beat of this process, in milliseconds. `undefined`: none is expected. */
function watchdogMs(environment: Environment): number | undefined {
  const microseconds = Number(environment['WATCHDOG_USEC'] ?? '');
  const isForThis = (environment['WATCHDOG_PID'] ?? String(process.pid)) === String(process.pid);
  return isForThis && Number.isInteger(microseconds) && microseconds > 0 ? microseconds / 1_000 : undefined;
}
