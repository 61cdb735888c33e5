import { matchesGlob } from './matches-glob.ts';
import type { ClientConfig, ClientLimits } from '../../config/sections/clients-section.ts';
import { GROUP_TRAITS, type ClientRoute } from '../../config/sections/route-groups.ts';

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
  /** Whether a group of routes may be used, of either side. */
  allowsRouteGroup(group: ClientRoute): boolean;
  /** Whether `routes` names a group, as a default does not. */
  namesRouteGroup(group: ClientRoute): boolean;
}

/** The rules of one client, or of the persons of one policy; `clientCount` is how many callers there are, since several share one Anthropic workspace. */
export function createClientRules(client: Pick<ClientConfig, 'name' | 'models' | 'routes' | 'limits'>, clientCount: number): ClientRules {
  const { name, models, limits } = client;
  const routes = client.routes === undefined ? undefined : new Set(client.routes);
  return {
    name,
    limits,
    restrictsModels: models !== undefined,
    openModels: models ?? [],
    allowsMessageThreads: clientCount < 2 || routes?.has('message_threads') === true,
    allowsModel: (model) => models === undefined || models.some((pattern) => matchesGlob(pattern, model)),
    namesRouteGroup: (group) => routes?.has(group) === true,
    allowsRouteGroup: (group) => {
      const { isShared, hidesModels } = GROUP_TRAITS[group];
      if (models !== undefined && hidesModels) return false;
      if (routes !== undefined) return routes.has(group);
      return clientCount < 2 || !isShared;
    },
  };
}
