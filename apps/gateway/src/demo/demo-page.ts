import { styleText } from 'node:util';

/** One sentence that a demonstration printed, and whether it was so. */
export interface Claim {
  readonly text: string;
  readonly holds: boolean;
}

/** What a demonstration writes on. It remembers every claim. */
export interface DemoPage {
  readonly claims: readonly Claim[];
  title(text: string): void;
  /** What is about to be seen, and why it matters. */
  explain(text: string): void;
  /** Something observed, set off from the words around it. */
  show(label: string, value: string): void;
  /** States something that can be wrong, with what was seen where it is. */
  claim(text: string, holds: boolean, seen?: unknown): void;
}

type Style = Parameters<typeof styleText>[0];

const LABEL_WIDTH = 14;
const MAX_SEEN_LENGTH = 300;

/** Makes a page that writes to `output`; without colours it is plain ASCII in the places that matter. */
export function createDemoPage(output: { write(text: string): unknown }, hasColours: boolean): DemoPage {
  const claims: Claim[] = [];
  const paint = (style: Style, text: string): string => (hasColours ? styleText(style, text, { validateStream: false }) : text);
  const line = (text = ''): void => { output.write(`${text}\n`); };
  return {
    claims,
    title(text) {
      line();
      line(paint(['bold', 'cyan'], `== ${text}`));
    },
    explain: (text) => line(paint('dim', text)),
    show(label, value) {
      for (const [index, part] of printable(value).split('\n').entries()) line(`   ${paint('yellow', (index === 0 ? label : '').padEnd(LABEL_WIDTH))} ${part}`);
    },
    claim(text, holds, seen) {
      claims.push({ text, holds });
      line(`   ${holds ? paint('green', '[holds]') : paint(['bold', 'red'], '[FAILS]')} ${text}`);
      if (!holds && seen !== undefined) line(`           seen: ${printable(typeof seen === 'string' ? seen : JSON.stringify(seen)).slice(0, MAX_SEEN_LENGTH)}`);
    },
  };
}

/** Text from an upstream without what could steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, (character) => (character === '\n' ? character : ' '));
}
