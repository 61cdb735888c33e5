import type { CloudCredential, RenewalOptions, RequestToSign } from '@penstock/cloud-credentials';
import type { EffectiveUpstream } from '../../config/native-upstreams.ts';
import { tokenNetwork } from '../../config/token-network.ts';
import { KIND_TRAITS } from './upstream-kinds.ts';

type Library = typeof import('@penstock/cloud-credentials');
type Make = (library: Library, events: CredentialEvents) => CloudCredential;
/** What a credential reports: how it is, and that another one is in force. */
export type CredentialEvents = Required<Pick<RenewalOptions, 'onStatus' | 'onReplaced'>>;

/** What a try needs of the credential. */
type RequestParts = Omit<RequestToSign, 'url'> & { readonly url: string };

/** A credential that is fetched, or made for each request. Its package is loaded by the first use. */
export class CloudUpstreamCredential {
  /** Whether it covers the body, so that all of it must be there before a byte is sent. */
  readonly signsBody: boolean;
  readonly #make: Make;
  readonly #events: CredentialEvents;
  #loaded: { readonly credential: CloudCredential; readonly dropped: ReadonlySet<string> } | undefined;
  #isClosed = false;

  constructor(make: Make, signsBody: boolean, events: CredentialEvents) {
    this.#make = make;
    this.signsBody = signsBody;
    this.#events = events;
  }

  /** The fields of a request with those of the credential in place of the client's. Throws, or rejects with, a `CloudCredentialError`. */
  applyTo(request: RequestParts): string[] | Promise<string[]> {
    return this.#loaded === undefined ? this.#load().then(() => this.#apply(request)) : this.#apply(request);
  }

  /** Fetches it now. Rejects with a `CloudCredentialError`. */
  async renew(): Promise<void> {
    await this.#load();
    await this.#loaded?.credential.renew();
  }

  /** The upstream refused it. */
  refused(): void {
    this.#loaded?.credential.refused();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#loaded?.credential.close();
  }

  async #load(): Promise<void> {
    const library = await import('@penstock/cloud-credentials');
    this.#loaded ??= { credential: this.#make(library, this.#events), dropped: library.SIGNATURE_FIELDS };
    if (this.#isClosed) this.#loaded.credential.close();
  }

  #apply({ method, url, headers, body }: RequestParts): string[] | Promise<string[]> {
    if (this.#loaded === undefined) throw new Error('the package of the credential is not loaded');
    const { credential, dropped } = this.#loaded;
    const kept = keep(headers, dropped);
    const fields = credential.fieldsFor({ method, url: new URL(url), headers: kept, body });
    return fields instanceof Promise ? fields.then((later) => [...kept, ...later]) : [...kept, ...fields];
  }
}

function keep(headers: readonly string[], dropped: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!dropped.has(name.toLowerCase())) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}

/** The credential of an upstream that needs work for a request; `undefined` where its fields are there. */
export function createCloudCredential({ kind, region, credential, proxy, ca }: EffectiveUpstream, events: CredentialEvents): CloudUpstreamCredential | undefined {
  const { bearer_command: command, aws, google, entra } = credential;
  const make = (create: Make): CloudUpstreamCredential => new CloudUpstreamCredential(create, aws !== undefined, events);
  if (command !== undefined) return make((library, own) => library.createCommandCredential({ command, ...own }));
  if (google !== undefined) return make((library, own) => library.createGoogleCredential({ credentialsFile: google.credentials_file, network: tokenNetwork({ proxy, ca }), ...own }));
  if (entra !== undefined) return make((library, own) => library.createEntraCredential({ tenantId: entra.tenant_id, clientId: entra.client_id, scope: entra.scope, network: tokenNetwork({ proxy, ca }), ...own }));
  if (aws === undefined) return undefined;
  const source = {
    profile: aws.profile, roleArn: aws.role_arn, externalId: aws.external_id, accessKeyId: aws.access_key_id, secretAccessKey: aws.secret_access_key, sessionToken: aws.session_token,
  };
  return make((library, own) => library.createAwsCredential({ region: region ?? '', service: KIND_TRAITS[kind].service ?? '', source, network: tokenNetwork({ proxy, ca }), ...own }));
}
