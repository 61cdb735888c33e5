import { matchesGlob } from './matches-glob.ts';
import type { ClientConfig, ClientLimits } from '../config/sections/clients-section.ts';

/** What one client may do. */
export interface ClientRules {
  readonly name: string;
  readonly limits: ClientLimits | undefined;
  /** Whether models are restricted, so that a request whose model cannot be read must be refused. */
  readonly restrictsModels: boolean;
  /** The patterns of the models that may be used; empty where models are not restricted. */
  readonly openModels: readonly string[];
  /** Whether a model may be used, by its decoded name. */
  allowsModel(model: string): boolean;
  /** Whether a message may continue a thread that the API keeps for the whole workspace. */
  readonly allowsMessageThreads: boolean;
  /** Whether a route group may be used: one of the native groups, `unknown` or `front_door`. */
  allowsRouteGroup(group: string): boolean;
}

/** Groups that are not shared unless a client's `routes` names them: everything that would show one client what another made. */
const SHARED_WORKSPACE_GROUPS: ReadonlySet<string> = new Set(['batches', 'files', 'skills', 'agents', 'admin', 'unknown']);

/** Groups whose requests choose models where the gateway cannot read them. */
const UNREADABLE_MODEL_GROUPS: ReadonlySet<string> = new Set(['batches', 'agents', 'admin', 'unknown']);

/** The rules of one client; `clientCount` is how many there are, since several share one Anthropic workspace. */
export function createClientRules(client: ClientConfig, clientCount: number): ClientRules {
  const { name, models, limits } = client;
  const routes = client.routes === undefined ? undefined : new Set<string>(client.routes);
  return {
    name,
    limits,
    restrictsModels: models !== undefined,
    openModels: models ?? [],
    allowsMessageThreads: clientCount < 2 || routes?.has('message_threads') === true,
    allowsModel: (model) => models === undefined || models.some((pattern) => matchesGlob(pattern, model)),
    allowsRouteGroup: (group) => {
      if (models !== undefined && UNREADABLE_MODEL_GROUPS.has(group)) return false;
      if (routes !== undefined) return routes.has(group);
      return clientCount < 2 || !SHARED_WORKSPACE_GROUPS.has(group);
    },
  };
}
