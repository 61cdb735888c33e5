import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNamedMembers } from '../../src/relay/named-members.ts';

const find = (json: string) => findNamedMembers(Buffer.from(json));

describe('models that a request names', () => {
  it.each([
    ['{"model":"a"}', ['a']],
    ['{"model":"small","Model":"big"}', ['small', 'big']],
    ['{"model":"small","MODEL" : "big"}', ['small', 'big']],
    ['{"model":"small","mod\\u0065l":"big"}', ['small', 'big']],
    ['{"model":"small","models":["big","b\\u0069g2"]}', ['small', 'big', 'big2']],
    ['{"model":"small","model\u017f":["big"]}', ['small', 'big']],
    ['{"tools":[{"type":"image_generation","model":"big"}]}', ['big']],
    ['{"tools":[{"model":"small","model":"big"}]}', ['small', 'big']],
    ['{"a":[[{"b":{"Models":["big"]}}]]}', ['big']],
    ['{"fallback_models":["big"],"engine":"c","deployment_id":"d","model_name":"e"}', ['big', 'c', 'd', 'e']],
    ['{"text":"{\\"model\\":\\"big\\"}","quote":"\\\\","model":"a"}', ['a']],
    ['{"model":null,"tools":[{"function":{"parameters":{"properties":{"model":{"type":"string"}},"required":["model"]}}}]}', []],
    ['{"metadata":{"model":"noted","deep":{"model":"x"}},"model":"a"}', ['a']],
    ['{"Metadata":{"model":"big"}}', ['big']],
    ['{"a":{"metadata":{"model":"big"}}}', ['big']],
  ])('in %s are %j', async (json, models) => {
    expect(await find(json)).toMatchObject({ models, unreadable: undefined });
  });

  it.each([
    ['{"fallbacks":[{"small":["big"]}]}', 'fallbacks'], ['{"fallbacks":["big"]}', 'fallbacks'], ['{"context_window_fallback_dict":{"small":"big"}}', 'context_window_fallback_dict'],
    ['{"preset":"mine"}', 'preset'], ['{"models":[["big"]]}', 'models'], ['{"models":[{"id":"big"}]}', 'models'], ['{"models":[7]}', 'models'], [`{"model":"${'x'.repeat(2_000)}"}`, 'model'],
    ['{"model\\u0000x":"big"}', 'a name with a NUL'], [`{"models":${JSON.stringify(Array.from({ length: 65 }, (_, index) => `m${index}`))}}`, 'models'],
  ])('cannot be read in %s', async (json, unreadable) => {
    expect(await find(json)).toMatchObject({ unreadable });
  });
});

describe('what an origin keeps', () => {
  it.each([
    ['{"previous_response_id":"resp_1"}', 'previous_response_id'], ['{"Previous_Response_Id":"resp_1"}', 'Previous_Response_Id'], ['{"conversation":"conv_1"}', 'conversation'],
    ['{"conversation":{"id":"conv_1"}}', 'conversation'], ['{"prompt":{"id":"pmpt_1"}}', 'prompt'], ['{"input":[{"type":"item_reference","id":"msg_1"}]}', 'item_reference'],
    ['{"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}', 'vector_store_ids'], ['{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}', 'container'],
  ])('is named in %s by %s', async (json, state) => {
    expect(await find(json)).toMatchObject({ state, file: undefined });
  });

  it.each([
    ['{"input":[{"content":[{"type":"input_file","file_id":"file_1"}]}]}', 'file_id'], ['{"input_file_id":"file_1"}', 'input_file_id'], ['{"tools":[{"container":{"type":"auto","file_ids":["file_1"]}}]}', 'file_ids'],
  ])('as a file is named in %s by %s', async (json, file) => {
    expect(await find(json)).toMatchObject({ state: undefined, file });
  });

  it.each([
    '{"previous_response_id":null,"conversation":null}', '{"prompt":"Say hello"}', '{"prompt":["a","b"]}', '{"messages":[{"role":"user","content":"previous_response_id"}]}',
    '{"tools":[{"parameters":{"properties":{"file_id":{"type":"string"},"thread_id":{"type":"string"},"conversation":{"type":"object"}}}}]}', '{"metadata":{"thread_id":"t","file_id":"f"}}',
  ])('is not named in %s', async (json) => {
    expect(await find(json)).toEqual({ models: [], unreadable: undefined, state: undefined, file: undefined });
  });
});

it('sees the members of any JSON that a parser sees', async () => {
  const name = fc.oneof(fc.constantFrom('model', 'x', '"', '\\', 'metadataX'), fc.string({ maxLength: 5 }));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small' }, fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null), fc.array(tie('tree'), { maxLength: 3 }), fc.dictionary(name, tie('tree'), { maxKeys: 4 })),
  }));
  const modelsIn = (value: unknown): string[] => {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [...!Array.isArray(value) && key === 'model' && typeof inner === 'string' ? [inner] : [], ...modelsIn(inner)]);
  };
  await fc.assert(fc.asyncProperty(fc.dictionary(name, tree, { maxKeys: 4 }), fc.constantFrom(0, 2), async (value, indent) => {
    const { models } = await find(JSON.stringify(value, null, indent));
    for (const model of modelsIn(value)) expect(models).toContain(model);
  }), { numRuns: 500 });
});

it('gives others their turn while it reads (a body of 8 MB of escapes, of names, of brackets)', async () => {
  const bodies = ['"'.padEnd(8_000_000, '\\"') + '"', `[${'{"type":"text"},'.repeat(500_000)}0]`, `${'['.repeat(4_000_000)}${']'.repeat(4_000_000)}`];
  for (const body of bodies) {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await find(body);
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(7);
  }
});
