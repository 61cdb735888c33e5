import { isDeepStrictEqual } from 'node:util';
import type { CredentialStatus } from '@penstock/cloud-credentials';
import { createUpstreamClient, type UpstreamClient } from '@penstock/upstream-client';
import { matchesGlob } from '../../access/clients/matches-glob.ts';
import { checkWholeJson } from '../../body/whole-json.ts';
import type { EffectiveUpstream } from '../../config/native-upstreams.ts';
import { PLAIN } from '../../config/plain.ts';
import { toHeadTimeouts, toUpstreamClientSettings, type HeadTimeouts } from '../../config/upstream-client-settings.ts';
import { refusesAwsCredential } from '../../observe/upstreams/aws-refusals.ts';
import { createUpstreamState, type UpstreamState } from '../../observe/upstreams/upstream-state.ts';
import type { UpstreamTarget } from '../../request/request-trace.ts';
import { createCloudCredential, type CloudUpstreamCredential } from './cloud-upstream-credential.ts';
import { createUpstreamCredential, type UpstreamCredential } from './upstream-credential.ts';
import { createModelMap, type ModelMap } from './model-map.ts';
import { KIND_TRAITS } from './upstream-kinds.ts';

/** What an upstream needs of its side. */
export interface NativeUpstreamParts {
  readonly ownsCredential: () => boolean;
  /** The credential of a cloud came to be there, could not be had, or could not be renewed. */
  readonly credentialChanged: (upstream: string, status: CredentialStatus) => void;
}

/** One upstream of the native side: its connections, its credential, and how it is by its requests. */
export class NativeUpstream {
  readonly name: string;
  readonly client: UpstreamClient;
  readonly origin: string;
  /** The path of `base_url`, without a trailing slash. */
  readonly basePath: string;
  readonly provider: UpstreamTarget['provider'];
  readonly state: UpstreamState;
  readonly #credentialChanged: NativeUpstreamParts['credentialChanged'];
  #config: EffectiveUpstream;
  #credential: UpstreamCredential;
  /** Absent where the fields of the credential are there before a request is. */
  #cloud: CloudUpstreamCredential | undefined;
  /** What the credential gave last, and all fields of our own that go with it. */
  #fields: readonly string[] | undefined;
  #ownFields: readonly string[] = [];
  #servesAll: boolean;
  #headTimeouts: HeadTimeouts;
  #modelMap: ModelMap | undefined;

  constructor(config: EffectiveUpstream, { ownsCredential, credentialChanged }: NativeUpstreamParts) {
    const { ca, proxy } = config;
    const url = new URL(config.base_url);
    this.name = config.name;
    this.origin = url.origin;
    this.basePath = url.pathname.replace(/\/+$/, '');
    this.provider = KIND_TRAITS[config.kind].provider;
    this.client = createUpstreamClient({
      origin: url.origin, plain: PLAIN, closeDelimitedCheck: checkWholeJson, ...toUpstreamClientSettings(config),
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(proxy === undefined ? {} : { proxy }),
    });
    this.state = createUpstreamState({
      kind: 'upstream', ownsCredential,
      readRefusal: (rawHeaders) => (this.#cloud?.signsBody === true ? refusesAwsCredential(rawHeaders) : undefined),
      onRefused: () => { this.#cloud?.refused(); },
    });
    this.#config = config;
    this.#headTimeouts = toHeadTimeouts(config.timeouts);
    this.#servesAll = config.models.includes('*');
    this.#modelMap = createModelMap(config.model_map);
    this.#credential = createUpstreamCredential(config.credential);
    this.#credentialChanged = credentialChanged;
    this.#cloud = this.#createCloud();
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

  /** The fields of the credential and of the kind: one and the same list until one of them changes. Throws a `CredentialError` while there is none. */
  credentialFields(): readonly string[] {
    const fields = this.#credential.fields();
    if (fields !== this.#fields) {
      // A bearer in a file was renewed.
      if (this.#fields !== undefined) this.state.credentialChanged();
      this.#fields = fields;
      const own = KIND_TRAITS[this.#config.kind].fields(this.#config);
      this.#ownFields = own.length === 0 ? fields : Object.freeze([...own, ...fields]);
    }
    return this.#ownFields;
  }

  /** The credential that is fetched, or made for each request. */
  get cloud(): CloudUpstreamCredential | undefined {
    return this.#cloud;
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
    const isNew = !isDeepStrictEqual(credentialPartsOf(next), credentialPartsOf(this.#config));
    this.#config = next;
    this.#headTimeouts = toHeadTimeouts(next.timeouts);
    this.#servesAll = next.models.includes('*');
    this.#modelMap = createModelMap(next.model_map);
    if (!isNew) return false;
    this.#credential.close();
    this.#cloud?.close();
    this.#credential = createUpstreamCredential(next.credential);
    this.#cloud = this.#createCloud();
    this.#fields = undefined;
    this.state.credentialChanged();
    return true;
  }

  /** Takes no new requests; those under way end, or are cut after `graceMs`. */
  async close(graceMs?: number): Promise<void> {
    this.#credential.close();
    this.#cloud?.close();
    await (graceMs === undefined ? this.client.close() : this.client.close({ graceMs }));
  }

  /** Fetched at once, so that it is known before the first request whether it can be had. */
  #createCloud(): CloudUpstreamCredential | undefined {
    const cloud = createCloudCredential(this.#config, {
      onStatus: (status) => {
        if (cloud?.isClosed === true) return;
        if (status.state === 'failed') this.state.ended('upstream_credential_refused', 0, this.state.generation);
        if (status.state === 'ready') this.state.credentialChanged();
        this.#credentialChanged(this.name, status);
      },
      onReplaced: () => { if (cloud?.isClosed !== true) this.state.credentialRenewed(); },
    });
    cloud?.renew().catch(() => undefined);
    return cloud;
  }
}

/** What a credential is made from. */
function credentialPartsOf({ credential, region, workspace_id }: EffectiveUpstream): object {
  return { credential, region, workspace_id };
}
