import { isDeepStrictEqual } from 'node:util';
import { createUpstreamClient, type UpstreamClient } from '@penstock/upstream-client';
import { matchesGlob } from '../../access/clients/matches-glob.ts';
import { checkWholeJson } from '../../body/whole-json.ts';
import type { EffectiveUpstream } from '../../config/native-upstreams.ts';
import { PLAIN } from '../../config/plain.ts';
import { toHeadTimeouts, toUpstreamClientSettings, type HeadTimeouts } from '../../config/upstream-client-settings.ts';
import { createUpstreamState, type UpstreamState } from '../../observe/upstreams/upstream-state.ts';
import type { UpstreamTarget } from '../../request/request-trace.ts';
import { createUpstreamCredential, type UpstreamCredential } from './upstream-credential.ts';
import { createModelMap, type ModelMap } from './model-map.ts';
import { KIND_TRAITS } from './upstream-kinds.ts';

/** One upstream of the native side: its connections, its credential, and how it is by its requests. */
export class NativeUpstream {
  readonly name: string;
  readonly client: UpstreamClient;
  readonly origin: string;
  /** The path of `base_url`, without a trailing slash. */
  readonly basePath: string;
  readonly provider: UpstreamTarget['provider'];
  readonly state: UpstreamState;
  #config: EffectiveUpstream;
  #credential: UpstreamCredential;
  /** Its fields, as they were sent last. */
  #fields: readonly string[] | undefined;
  #servesAll: boolean;
  #headTimeouts: HeadTimeouts;
  #modelMap: ModelMap | undefined;

  constructor(config: EffectiveUpstream, ownsCredential: () => boolean) {
    const { ca, proxy } = config;
    const url = KIND_TRAITS[config.kind].urlOf(config);
    this.name = config.name;
    this.origin = url.origin;
    this.basePath = url.pathname.replace(/\/+$/, '');
    this.provider = KIND_TRAITS[config.kind].provider;
    this.client = createUpstreamClient({
      origin: url.origin, plain: PLAIN, closeDelimitedCheck: checkWholeJson, ...toUpstreamClientSettings(config),
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(proxy === undefined ? {} : { proxy }),
    });
    this.state = createUpstreamState({ kind: 'upstream', ownsCredential });
    this.#config = config;
    this.#headTimeouts = toHeadTimeouts(config.timeouts);
    this.#servesAll = config.models.includes('*');
    this.#modelMap = createModelMap(config.model_map);
    this.#credential = createUpstreamCredential(config.credential);
  }

  get config(): EffectiveUpstream {
    return this.#config;
  }

  get headTimeouts(): HeadTimeouts {
    return this.#headTimeouts;
  }

  /** Its own names of models, by those of clients; absent where they are the same. One and the same until the configuration changes. */
  get modelMap(): ModelMap | undefined {
    return this.#modelMap;
  }

  /** Throws a `CredentialError` while there is none. */
  credentialFields(): readonly string[] {
    const fields = this.#credential.fields();
    if (fields !== this.#fields) {
      // A bearer in a file was renewed.
      if (this.#fields !== undefined) this.state.credentialChanged();
      this.#fields = fields;
    }
    return fields;
  }

  /** Whether its `models` list a model; without a name, or for any. */
  serves(model: string | undefined): boolean {
    return this.#servesAll || model === undefined || this.#config.models.some((pattern) => matchesGlob(pattern, model));
  }

  /** Whether a new configuration is for the connections that are there. */
  canTake({ kind, base_url: base, ca, proxy }: EffectiveUpstream): boolean {
    const own = this.#config;
    return own.kind === kind && own.base_url === base && own.ca === ca && own.proxy === proxy;
  }

  /** Applies a new configuration; true where its credential is another one. */
  update(next: EffectiveUpstream): boolean {
    const settings = toUpstreamClientSettings(next);
    this.client.resize(settings.pool);
    this.client.setTimeouts(settings.timeouts);
    const isNew = !isDeepStrictEqual(next.credential, this.#config.credential);
    this.#config = next;
    this.#headTimeouts = toHeadTimeouts(next.timeouts);
    this.#servesAll = next.models.includes('*');
    this.#modelMap = createModelMap(next.model_map);
    if (!isNew) return false;
    this.#credential.close();
    this.#credential = createUpstreamCredential(next.credential);
    this.#fields = undefined;
    this.state.credentialChanged();
    return true;
  }

  /** Takes no new requests; those under way end, or are cut after `graceMs`. */
  async close(graceMs?: number): Promise<void> {
    this.#credential.close();
    await (graceMs === undefined ? this.client.close() : this.client.close({ graceMs }));
  }
}
