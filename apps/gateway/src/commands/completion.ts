import type { Command } from 'commander';
import type { CommandOutput } from './check.ts';

/** The shells that a completion script can be written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One of `SHELLS`. */
export type Shell = (typeof SHELLS)[number];

/** One command as people type it: `keys create`, and the flags it takes. */
interface Completable {
  /** Flags that take a value, which is no command. */
  readonly valueFlags: readonly string[];
  readonly path: string;
  readonly description: string;
  readonly words: readonly { readonly text: string; readonly description: string }[];
}

/** `penstock completion SHELL`: prints a completion script made from the commands themselves, so that it is never behind them. Returns the exit code. */
export function runCompletion(program: Command, shell: string, { stdout, stderr }: CommandOutput): number {
  const writer = WRITERS[shell as Shell];
  if (!Object.hasOwn(WRITERS, shell)) {
    stderr.write(`SHELL must be one of ${SHELLS.join(', ')}, received ${JSON.stringify(shell)}\n`);
    return 1;
  }
  stdout.write(writer(completables(program)));
  return 0;
}

/** Every command and group of commands, the program itself first under the empty path. */
function completables(program: Command): readonly Completable[] {
  const visit = (command: Command, path: string): Completable[] => {
    const help = command.createHelp();
    const subcommands = help.visibleCommands(command).filter((child) => child.name() !== 'help');
    const flags = help.visibleOptions(command).flatMap(({ short, long, description }) => [short, long].filter((flag) => flag != null).map((text) => ({ text, description })));
    const valueFlags = help.visibleOptions(command).filter(({ required }) => required).flatMap(({ short, long }) => [short, long]).filter((flag) => flag != null);
    const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []).map((text) => ({ text, description: '' }));
    const own = { path, valueFlags, description: command.description(), words: [...subcommands.map((child) => ({ text: child.name(), description: child.description() })), ...choices, ...flags] };
    return [own, ...subcommands.flatMap((child) => visit(child, `${path} ${child.name()}`.trim()))];
  };
  return visit(program, '');
}

const wordsOf = (commands: readonly Completable[]): string =>
  commands.map(({ path, words }) => `    '${path}') words='${words.map(({ text }) => text).join(' ')}' ;;`).join('\n');

/** All flags that take a value, as a pattern of `case`. */
const valueFlagsOf = (commands: readonly Completable[]): string => [...new Set(commands.flatMap(({ valueFlags }) => valueFlags))].join('|');

/** A shell's single-quoted word. */
const quote = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

const WRITERS: Readonly<Record<Shell, (commands: readonly Completable[]) => string>> = {
  bash: (commands) => `# Completion of penstock for bash. Load it with: source <(penstock completion bash)
_penstock() {
  local path='' words='' word before='' current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$before" in ${valueFlagsOf(commands)}) ;; *) case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac ;; esac
    before="$word"
  done
  case "$previous" in -c|--config) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  case "$path" in
${wordsOf(commands)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _penstock penstock
`,
  zsh: (commands) => `#compdef penstock
# Completion of penstock for zsh. Load it with: source <(penstock completion zsh)
_penstock() {
  local path='' words_of='' word before=''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$before" in ${valueFlagsOf(commands)}) ;; *) case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac ;; esac
    before="$word"
  done
  case "\${words[CURRENT-1]}" in -c|--config) _files; return ;; esac
  case "$path" in
${wordsOf(commands).replaceAll('words=', 'words_of=')}
  esac
  compadd -- \${=words_of}
}
compdef _penstock penstock
`,
  fish: (commands) => `# Completion of penstock for fish. Load it with: penstock completion fish | source
complete -c penstock -f
${commands.flatMap(({ path, words }) => words.map(({ text, description }) => {
    const names = path === '' ? [] : path.split(' ');
    const condition = names.length === 0 ? '__fish_use_subcommand' : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    const word = text.startsWith('--') ? `-l ${text.slice(2)}` : text.startsWith('-') ? `-s ${text.slice(1)}` : `-a ${quote(text)}`;
    return `complete -c penstock -n ${quote(condition)} ${word}${text === '--config' ? ' -r -F' : ''}${description === '' ? '' : ` -d ${quote(description)}`}`;
  })).join('\n')}
`,
};
