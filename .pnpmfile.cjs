// Where nothing is installed yet, the commands that only run the gateway install what it needs (scripts/install-app.mjs) instead of the whole
// workspace with its test suites. Every other command, and these once everything is installed, are left to pnpm's own check (verifyDepsBeforeRun).
const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const APP_COMMANDS = ['start', 'penstock', 'demo'];
/** pnpm writes it after an install; scripts/install-app.mjs removes that of its own. */
const PNPM_STATE = join(__dirname, 'node_modules/.pnpm-workspace-state-v1.json');

/** The words of the pnpm command that runs this file, which no hook is given. Empty where the system does not show them: then everything is installed. */
function pnpmWords() {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').split('\0').slice(1);
    return execFileSync('ps', ['-o', 'args=', '-p', String(process.ppid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split(/\s+/).slice(1);
  } catch {
    return [];
  }
}

module.exports = {
  hooks: {
    updateConfig(config) {
      const [command, script] = pnpmWords();
      if (!existsSync(PNPM_STATE) && APP_COMMANDS.includes(command === 'run' ? script : command)) config.verifyDepsBeforeRun = false;
      return config;
    },
  },
};
