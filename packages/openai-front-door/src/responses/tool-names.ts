/** What the client calls a tool whose name or kind is another one upstream. */
export interface ToolName {
  readonly name: string;
  readonly namespace?: string;
  /** Whether its input is a free text instead of JSON. */
  readonly isCustom: boolean;
}

/** The tools of one request that the upstream knows under another name or kind, by the upstream's name: all that is kept of them. */
export type ToolNames = Readonly<Record<string, ToolName>>;

/** The upstream's name of a tool: it has no namespaces. */
export function flatName(name: string, namespace: string | undefined): string {
  return namespace === undefined ? name : `${namespace}__${name}`;
}

/** The member of a custom tool's input that holds its text. */
export const CUSTOM_INPUT = 'input';
