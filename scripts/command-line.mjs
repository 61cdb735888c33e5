import { parseArgs } from 'node:util';

/** Flags and words of a script's command line. `--help` prints the usage and ends with exit code 0; what is not known ends with 2, before anything is done. */
export function readCommandLine(usage, { options = {}, mostWords = 0 } = {}) {
  try {
    const { values, positionals } = parseArgs({ args: process.argv.slice(2).filter((word) => word !== '--'), options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: mostWords > 0 });
    if (values.help === true) {
      console.log(`usage: ${usage}`);
      process.exit(0);
    }
    if (positionals.length > mostWords) throw new Error(`${positionals[mostWords]} is one argument too many`);
    return { flags: values, words: positionals };
  } catch (error) {
    return refuse(usage, error.message);
  }
}

/** Ends with exit code 2: the command line is wrong. */
export function refuse(usage, problem) {
  console.error(`${problem}\nusage: ${usage}`);
  return process.exit(2);
}
