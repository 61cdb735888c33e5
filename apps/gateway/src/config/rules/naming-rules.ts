import { nearestName } from '@penstock/option-names';
import { valueProblem } from '../config-error.ts';
import { frontDoorBackends, frontDoorModels } from '../front-door-backends.ts';
import { clientKeys } from '../sections/client-keys.ts';
import { isKnownKey } from '../problems/known-keys.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { ClientConfig } from '../sections/clients-section.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

/** Header fields that `allow_request_headers` cannot open: credentials, framing, hop-by-hop fields and the gateway's own. */
const CLOSED_FIELDS = /^(?:authorization|x-api-key|cookie|proxy-.*|host|connection|keep-alive|te|trailer|transfer-encoding|content-length|upgrade|expect|x-penstock-.*)$/i;

export function showText(text: string): string {
  return nameReceived(text, false);
}

/** Problems for values that appear twice in a list, each naming where it stood first. */
export function duplicates(values: readonly string[], at: (index: number) => string, show: (value: string) => string): ConfigProblem[] {
  const seen = new Map<string, number>();
  return values.flatMap((value, index) => {
    const first = seen.get(value);
    if (first === undefined) {
      seen.set(value, index);
      return [];
    }
    return [valueProblem(at(index), `other than ${at(first)}`, show(value))];
  });
}

const clientsAreDistinct: CrossFieldRule = {
  reads: ['clients'],
  check: ({ clients }) => [
    ...duplicates(clients.map(({ name }) => name), (index) => `clients[${index}].name`, showText),
    ...equalKeys(clients),
  ],
};

/** Where a key stands. */
function keyPath(client: ClientConfig, index: number, key: number): string {
  return `clients[${index}].key_sha256${typeof client.key_sha256 === 'string' ? '' : `[${key}]`}`;
}

function equalKeys(clients: readonly ClientConfig[]): ConfigProblem[] {
  const keys = clients.flatMap((client, index) => clientKeys(client).map(({ sha256 }, key) => ({ sha256, path: keyPath(client, index, key) })));
  return duplicates(keys.map(({ sha256 }) => sha256), (index) => keys[index]?.path ?? '', () => 'the same hash');
}

/** The simulator's answers cost nothing, so that its example may have a key in the open. */
const keysAreSecret: CrossFieldRule = {
  reads: ['clients'],
  check: ({ clients }, { simulate }) => (simulate ? [] : clients.flatMap((client, index) => clientKeys(client).flatMap(({ sha256 }, key): ConfigProblem[] => (isKnownKey(sha256)
    ? [valueProblem(keyPath(client, index, key), 'the hash of a secret key', 'the hash of a well-known word', 'every caller that tries it would be admitted; make a key with penstock keys create')]
    : [])))),
};

const backendsAreDistinct: CrossFieldRule = {
  reads: ['openai_front_door.backends'],
  check: ({ openai_front_door: { backends } }) =>
    duplicates(backends.map(({ name }) => name), (index) => `openai_front_door.backends[${index}].name`, showText),
};

const modelsNameTheirBackend: CrossFieldRule = {
  reads: ['openai_front_door.backends', 'openai_front_door.models'],
  check: ({ openai_front_door: { backends, models } }) => {
    const names = backends.length === 0 ? ['anthropic'] : backends.map(({ name }) => name);
    if (names.length > 1 && models.length === 0) {
      return [valueProblem('openai_front_door.models', 'given when there are several backends', 'an empty list')];
    }
    return models.flatMap(({ backend }, index): ConfigProblem[] => {
      if (backend === undefined ? names.length === 1 : names.includes(backend)) return [];
      const near = backend === undefined ? undefined : nearestName(backend, names);
      const hint = near === undefined ? '' : `did you mean ${JSON.stringify(near)}?`;
      return [valueProblem(`openai_front_door.models[${index}].backend`, `one of ${names.join(', ')}`, backend === undefined ? 'nothing' : showText(backend), hint)];
    });
  },
};

const relayedModelsKeepTheirName: CrossFieldRule = {
  reads: ['openai_front_door.backends', 'openai_front_door.models'],
  check: (config) => {
    const relaying = new Set(frontDoorBackends(config).filter(({ kind }) => kind === 'openai').map(({ name }) => name));
    return frontDoorModels(config).flatMap(({ model, backend, upstream_model: renamed }, index): ConfigProblem[] => {
      if (renamed === undefined || renamed === model || !relaying.has(backend)) return [];
      const path = `openai_front_door.models[${index}].upstream_model`;
      return [valueProblem(path, 'absent for an openai backend, whose requests are relayed unchanged', showText(renamed))];
    });
  },
};

const closedFieldsStayClosed: CrossFieldRule = {
  reads: ['anthropic_native.allow_request_headers'],
  check: ({ anthropic_native: { allow_request_headers: names } }) => names.flatMap((name, index): ConfigProblem[] => (CLOSED_FIELDS.test(name)
    ? [valueProblem(`anthropic_native.allow_request_headers[${index}]`, 'a field that is neither a credential, nor framing, nor the gateway\'s own', showText(name))]
    : [])),
};

/** Names that must be distinct, known or left alone. */
export const namingRules: readonly CrossFieldRule[] = [clientsAreDistinct, keysAreSecret, backendsAreDistinct, modelsNameTheirBackend, relayedModelsKeepTheirName, closedFieldsStayClosed];
