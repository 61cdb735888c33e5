/** A contender takes a body and does its work once. */
export type Contender = () => void;

const MIN_ROUND_MICROSECONDS = 4000;

/**
 * The CPU time of one run of each contender, in microseconds: they take turns for the given number of rounds, each
 * round long enough for the clock, and the median of the rounds counts.
 */
export function measureInTurns(contenders: readonly Contender[], rounds: number): readonly number[] {
  const runs = contenders.map(runsPerRound);
  const times = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) times[index]?.push(cpuTime(contender, runs[index] ?? 1));
  }
  return times.map(median);
}

function runsPerRound(contender: Contender): number {
  let runs = 1;
  // The first runs also warm up: a round is sized only once it takes about as long as it should.
  while (cpuTime(contender, runs) * runs < MIN_ROUND_MICROSECONDS) runs *= 2;
  return Math.ceil(MIN_ROUND_MICROSECONDS / cpuTime(contender, runs));
}

function cpuTime(contender: Contender, runs: number): number {
  const start = process.cpuUsage();
  for (let run = 0; run < runs; run += 1) contender();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / runs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
