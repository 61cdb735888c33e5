import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isConfigError } from '../../src/config/config-error.ts';
import { asNode, configJsonSchema, propertiesOf } from '../../src/config/reference/config-json-schema.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { attemptLoad } from './config-folder.ts';
import type { JsonSchemaNode } from '../../src/config/reference/config-json-schema.ts';

const MARK = 'MARKED4SECRET';

/** Loads a document; true when it was accepted. Anything but a `ConfigError` is a bug and is thrown. */
function load(file: unknown, environment: Record<string, string | undefined>): { text: string } {
  try {
    const { config, warnings } = attemptLoad({ file, environment });
    return { text: JSON.stringify(describeConfig(config)) + warnings.join() };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    return { text: error.message + JSON.stringify(error.problems) };
  }
}

/** Made once: an arbitrary of URLs takes longer to make than to use. */
const TEXT = fc.oneof(fc.string(), fc.webUrl(), fc.ipV4(), fc.domain(), fc.constantFrom('memory', '${env:NOPE}', '${file:/}', '${file:\0}', '${env:__proto__}', 'http://127.0.0.1'));

/** Documents that have the schema's shape here and there, and anything at all elsewhere. */
function documentLike(node: JsonSchemaNode, odd: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties = propertiesOf(node);
  const entry = asNode(node.items);
  if (entry !== undefined) return fc.oneof({ weight: 4, arbitrary: fc.array(documentLike(entry, odd), { maxLength: 3 }) }, { weight: 1, arbitrary: odd });
  if (properties.length > 0) {
    const fields = Object.fromEntries(properties.map(([name, child]) => [name, documentLike(child, odd)]));
    const known = fc.record(fields, { requiredKeys: [] });
    return fc.oneof(
      { weight: 6, arbitrary: known },
      { weight: 1, arbitrary: fc.tuple(known, fc.dictionary(fc.string(), odd, { maxKeys: 2 })).map(([fixed, more]) => ({ ...fixed, ...more })) },
      { weight: 1, arbitrary: odd },
    );
  }
  const plausible = node.enum !== undefined ? fc.constantFrom(...node.enum)
    : node.type === 'boolean' ? fc.boolean()
      : node.type === 'string' ? TEXT
        : fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.double());
  return fc.oneof({ weight: 4, arbitrary: plausible }, { weight: 1, arbitrary: odd });
}

/** Every path of the schema at which a string may stand. */
function textPaths(node: JsonSchemaNode, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const entry = asNode(node.items);
  const values = asNode(node.additionalProperties);
  return [
    ...(node.type === 'object' || node.type === 'array' ? [] : [path]),
    ...propertiesOf(node).flatMap(([name, child]) => textPaths(child, [...path, name])),
    ...(entry === undefined ? [] : textPaths(entry, [...path, 0])),
    ...(values === undefined ? [] : textPaths(values, [...path, 'some-model'])),
  ];
}

/** Every path of the schema, objects and lists included. */
function everyPath(node: JsonSchemaNode, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const [entry, values] = [asNode(node.items), asNode(node.additionalProperties)];
  return [
    path,
    ...propertiesOf(node).flatMap(([name, child]) => everyPath(child, [...path, name])),
    ...(entry === undefined ? [] : everyPath(entry, [...path, 0])),
    ...(values === undefined ? [] : everyPath(values, [...path, 'some-model'])),
  ];
}

function documentWith(path: readonly (string | number)[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }), value);
}

describe('any document', () => {
  it('is a sound configuration or a ConfigError, never a crash', { timeout: 90_000 }, () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (document) => {
      load(document, {});
    }), { numRuns: 150 });
    fc.assert(fc.property(documentLike(configJsonSchema(), fc.jsonValue({ maxDepth: 2 })), (document) => {
      load(document, {});
    }), { numRuns: 150 });
  });

  it('any text is accepted or refused with its problems, however deep or broken', { timeout: 90_000 }, () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      load(text, {});
    }), { numRuns: 200 });
    for (const text of ['['.repeat(100_000), `{"server":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, `${'{"server":'.repeat(5_000)}1${'}'.repeat(5_000)}`, '{"__proto__":{"server":1},"constructor":2,"server":{"__proto__":3}}', '\u{feff}{}']) load(text, {});
    for (const path of [['openai_front_door', 'model_capabilities', '__proto__'], ['server', 'toString'], ['hasOwnProperty']]) load(documentWith(path, {}), {});
  });

  it('in the environment is one too', { timeout: 90_000 }, () => {
    const value = fc.oneof(fc.string(), fc.json(), fc.webUrl());
    const variables = ['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'PENSTOCK_HOST', 'PENSTOCK_PORT', 'PENSTOCK_LOG_LEVEL', 'PENSTOCK_CONFIG', 'MODEL_CAPABILITIES_JSON', 'MODEL_CAPABILITIES_FILE', 'HTTPS_PROXY', 'NO_PROXY'];
    fc.assert(fc.property(fc.record(Object.fromEntries(variables.map((name) => [name, value])), { requiredKeys: [] }), (environment) => {
      load({}, environment);
    }), { numRuns: 150 });
  });
});

/** How zod words what none of our messages does. */
const WORDS_OF_ZOD = /Invalid (?:input|string|option|key|element)|Too (?:small|big)|expected (?:string|number|array|object|record|tuple|one of)|Unrecognized/;

describe('a problem', () => {
  it('is in our own words, whatever stands where', { timeout: 90_000 }, () => {
    const odd: readonly unknown[] = ['x', '', '\n', 'x'.repeat(5_000), 5, -1, 1.5, true, null, [], [[]], [5], ['x'], {}, { x: 1 }, { '': '' }, { ['k'.repeat(300)]: 'x' }, { x: 'v'.repeat(5_000) }];
    const wordsOfZod: string[] = [];
    for (const path of everyPath(configJsonSchema())) {
      for (const value of odd) {
        const { text } = load(documentWith(path, value), {});
        const found = WORDS_OF_ZOD.exec(text);
        if (found !== null) wordsOfZod.push(`${path.join('.')} = ${JSON.stringify(value).slice(0, 40)}: ${text.slice(Math.max(0, found.index - 60), found.index + 60)}`);
      }
    }
    expect(wordsOfZod).toEqual([]);
  });
});

describe('a secret', () => {
  it('a secret: never appears in a problem or in the printed configuration, wherever it stands', { timeout: 90_000 }, () => {
    const paths = textPaths(configJsonSchema());
    expect(paths.length).toBeGreaterThan(60);
    const disguises = [`sk-ant-api03-${MARK}`, `pen_${MARK}0123456789`, `https://user:${MARK}@example.com/`, `redis://:${MARK}@host`, `-----BEGIN PRIVATE KEY-----${MARK}`, `Bearer ${MARK}`,
      `https://example.com/v1?key=${MARK}`, `https://example.com?${MARK}`, `http://127.0.0.1:1/#${MARK}`, `example.com/?api_key=${MARK}`];
    for (const path of paths) {
      for (const secret of disguises) {
        expect(load(documentWith(path, secret), { ANTHROPIC_API_KEY: 'k' }).text, path.join('.')).not.toContain(MARK);
      }
      expect(load(documentWith(path, '${env:HIDDEN}'), { ANTHROPIC_API_KEY: 'k', HIDDEN: `Bearer ${MARK}` }).text, path.join('.')).not.toContain(MARK);
    }
  });

  it('under an unknown key, as a key, or in malformed JSON is not shown', () => {
    const secret = `sk-ant-api03-${MARK}`;
    for (const document of [{ apiKey: secret }, { anthropic_native: { apikey: secret } }, { [secret]: 1 }, { server: { [secret]: 1 } }, { [`https://example.com/?key=${MARK}`]: 1 }, { openai_front_door: { [`x?key=${MARK}`]: 1 } }, `{"api_key":"${secret}`, `{"api_key":${secret}}`, secret]) {
      expect(load(document, {}).text).not.toContain(MARK);
    }
  });

  it('from the environment is not shown when it is malformed', () => {
    const environment = { ANTHROPIC_API_KEY: `${MARK} with spaces`, HTTPS_PROXY: `socks5://u:${MARK}@h`, MODEL_CAPABILITIES_JSON: `{"${MARK}` };
    expect(load({}, environment).text).not.toContain(MARK);
  });
});
