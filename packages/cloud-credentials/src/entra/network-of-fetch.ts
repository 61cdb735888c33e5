import { AsyncLocalStorage } from 'node:async_hooks';
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';

const current = new AsyncLocalStorage<INetworkModule>();

/** Sends by the network of the fetch that is under way, whichever of these a library keeps. */
export class NetworkOfFetch implements INetworkModule {
  /** Runs a fetch, all of whose requests go by `network`. */
  static run<T>(network: INetworkModule, fetch: () => Promise<T>): Promise<T> {
    return current.run(network, fetch);
  }

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return networkNow().sendGetRequestAsync<T>(url, options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return networkNow().sendPostRequestAsync<T>(url, options);
  }
}

function networkNow(): INetworkModule {
  const network = current.getStore();
  if (network === undefined) throw new Error('no fetch is under way');
  return network;
}
