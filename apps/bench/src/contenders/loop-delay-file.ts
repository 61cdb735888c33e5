/** Where a probed program notes its delays, in the folder it runs in: a line each for `PROBE_MS`, its end in Unix ms and the 99th percentile in ms. */
export const LOOP_DELAY_FILE = 'loop-delay.txt';

/** How long a line of the file stands for. */
export const PROBE_MS = 500;
