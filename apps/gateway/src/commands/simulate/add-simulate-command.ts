import { once } from 'node:events';
import type { Command } from 'commander';
import type { CommandOutput } from '../check.ts';
import type { SimulateOptions } from './run-simulate.ts';

/** Adds `penstock simulate`; the simulator is loaded when it runs. */
export function addSimulateCommand(program: Command, { output, setExitCode }: { readonly output: CommandOutput; readonly setExitCode: (code: number) => void }): void {
  program.command('simulate')
    .description('serve the simulated Anthropic API by itself, with faults and quotas, to rehearse an incident')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', '8100')
    .option('--quota <name=N...>', 'requests, input_tokens or output_tokens a minute; the rest is answered 429')
    .option('--fault <word...>', 'faults of the requests, such as status=529, cut-at=300 or reset-before-head')
    .option('--fault-every <N>', 'only each so many-th request has the faults')
    .option('--pace <pace>', 'real, or tokens a second (default: as fast as tests want it)')
    .option('--recordings <folder>', 'responses to replay: NAME.http as curl -i prints it, NAME.sse, NAME.json')
    .option('--api-key <key...>', 'keys that are accepted (default: any or none)')
    .addHelpText('after', SIMULATE_HELP)
    .action(async (flags: SimulateOptions) => {
      const { runSimulate } = await import('./run-simulate.ts');
      const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      setExitCode(await runSimulate(flags, stopped, output));
    });
}

const SIMULATE_HELP = `
The model's name selects the answer (sim-text, sim-tool-use, sim-overloaded, …), and the request header anthropic-simulator asks for faults of one request.

Examples:
  penstock simulate --fault status=529 --fault-every 4          one request of four is overloaded
  penstock simulate --quota requests=60 output_tokens=20000     a small quota
  penstock simulate --pace real --fault cut-at=2000             streams that break
  ANTHROPIC_API_KEY=any ANTHROPIC_BASE_URL=http://127.0.0.1:8100 penstock start`;
