import type { ClientRequestArgs } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';

/** Connects to each server by TLS in the way that is chosen for its URL. */
export class AgentByServer extends Agent {
  readonly #choose: (server: URL) => Agent;

  /** `choose` gives the agent that connects; what it throws is the failure of the connection. */
  constructor(options: AgentOptions, choose: (server: URL) => Agent) {
    super(options);
    this.#choose = choose;
  }

  override createConnection(options: ClientRequestArgs, callback: (error: Error | null, stream: Duplex) => void): Duplex | null | undefined {
    let chosen: Agent;
    try {
      chosen = this.#choose(urlOf(options));
    } catch (error) {
      callback(error as Error, undefined as never);
      return undefined;
    }
    return chosen.createConnection(options, callback);
  }
}

function urlOf({ host, port }: ClientRequestArgs): URL {
  const name = host ?? 'localhost';
  return new URL(`https://${name.includes(':') ? `[${name}]` : name}:${port ?? 443}`);
}
