import { describe, expect, it } from 'vitest';
import { BUILT_IN_MODEL_CAPABILITIES, capabilitiesOf, FrontDoorOptionsError, mergeModelCapabilities, UNKNOWN_MODEL_CAPABILITIES } from '../../src/index.ts';
import { matchesGlob } from '../../src/models/matches-glob.ts';
import { createModelMap } from '../../src/models/model-map.ts';

const of = (model: string) => capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, model);

const EVERY_EFFORT = ['low', 'medium', 'high', 'xhigh', 'max'];

describe('the built-in registry', () => {
  it.each<[string, object]>([
    ['claude-fable-5-2', { thinkingTypes: ['adaptive'], thinksByDefault: true, rejectsForcedTools: true, inlineSystem: true, maxOutputTokens: 128_000 }],
    ['claude-mythos-5-1', { thinkingTypes: ['adaptive'], thinksByDefault: true, rejectsForcedTools: true, inlineSystem: true }],
    ['claude-fable-5', { bindsThinking: false, thinkingTypes: ['adaptive'], thinksByDefault: true, rejectsForcedTools: true, inlineSystem: true }],
    ['claude-opus-5-5', { bindsThinking: true, thinkingTypes: ['adaptive'], thinksByDefault: true, rejectsForcedTools: true, inlineSystem: true, maxOutputTokens: 128_000 }],
    ['claude-sonnet-5-5', { thinkingTypes: ['adaptive', 'between_tools'], thinksByDefault: true, boundsEffortWithoutThinking: true, rejectsForcedTools: true, inlineSystem: true }],
    ['claude-haiku-5-5', { bindsThinking: true, thinkingTypes: ['adaptive', 'disabled'], thinksByDefault: true, boundsEffortWithoutThinking: true, rejectsForcedTools: false, inlineSystem: true }],
    ['claude-opus-5', { bindsThinking: false, thinkingTypes: ['adaptive', 'disabled'], thinksByDefault: true, boundsEffortWithoutThinking: true, rejectsForcedTools: false, inlineSystem: true }],
    ['claude-sonnet-5', { thinkingTypes: ['adaptive', 'disabled'], thinksByDefault: true, boundsEffortWithoutThinking: false, rejectsForcedTools: false, inlineSystem: false }],
    ['claude-opus-4-8', { thinkingTypes: ['adaptive', 'disabled'], thinksByDefault: false, rejectsForcedTools: false, inlineSystem: true }],
    ['claude-opus-4-7', { thinkingTypes: ['adaptive', 'disabled'], thinksByDefault: false, rejectsForcedTools: false, inlineSystem: false, maxOutputTokens: 128_000 }],
  ])('knows that %s refuses sampling and prefills, takes every effort, and how it thinks', (model, more) => {
    expect(of(model)).toMatchObject({ rejectsSampling: true, rejectsPrefill: true, structuredOutputs: true, effortLevels: EVERY_EFFORT, ...more });
  });

  it.each([
    ['claude-opus-6', 'claude-opus-5-5'], ['claude-opus-5-7-20270101', 'claude-opus-5-5'], ['claude-sonnet-6-1', 'claude-sonnet-5-5'], ['claude-haiku-6', 'claude-haiku-5-5'],
    ['claude-fable-7', 'claude-fable-5-2'], ['claude-saga-1', 'claude-opus-5-5'], ['claude-opus-5-20260804', 'claude-opus-5'], ['claude-sonnet-5@20260630', 'claude-sonnet-5'], ['claude-opus-4-8-20260528', 'claude-opus-4-8'],
  ])('gives %s what %s has (a newer model has the newest known behaviour of its family, and one of an unknown family the strictest)', (model, like) => {
    expect(of(model)).toEqual(of(like));
  });

  it.each(['claude-sonnet-4-5', 'claude-haiku-4-5-20251001', 'claude-opus-4-5', 'claude-opus-4-1-20250805'])('lets %s have one sampling parameter, and a thinking budget', (model) => {
    expect(of(model)).toMatchObject({ rejectsSampling: false, exclusiveSampling: true, rejectsPrefill: false, thinkingTypes: ['enabled', 'disabled'] });
  });

  it.each(['claude-opus-4-6', 'claude-sonnet-4-6'])('knows that %s refuses a prefill', (model) => {
    expect(of(model)).toMatchObject({ rejectsSampling: false, rejectsPrefill: true, thinkingTypes: ['adaptive', 'enabled', 'disabled'] });
  });

  it.each(['claude-3-5-sonnet-20241022', 'claude-3-5-haiku-latest', 'claude-3-7-sonnet-20250219', 'claude-sonnet-4-20250514', 'claude-opus-4-0'])('takes %s for an older model (its name also matches a newer pattern)', (model) => {
    expect(of(model)).toMatchObject({ rejectsSampling: false, exclusiveSampling: false, structuredOutputs: false, effortLevels: [], thinksByDefault: false });
  });

  it.each([['claude-3-haiku-20240307', 4_096], ['claude-3-5-haiku-20241022', 8_192], ['claude-3-7-sonnet-latest', 64_000], ['claude-opus-4-1', 32_000], ['claude-haiku-4-5', 64_000], ['claude-sonnet-4-6', 128_000]])('knows that %s writes at most %d tokens', (model, most) => {
    expect(of(model).maxOutputTokens).toBe(most);
  });

  it.each(['gpt-4', 'sim-text', ''])('assumes the strictest of %j, which it does not know', (model) => {
    expect(of(model)).toEqual(UNKNOWN_MODEL_CAPABILITIES);
  });
});

describe('mergeModelCapabilities', () => {
  it('lays plain data over the registry, flag by flag, in either spelling', () => {
    const registry = mergeModelCapabilities({ 'claude-opus-5*': { rejects_sampling: false }, 'claude-next': { effortLevels: ['low'], default_max_tokens: 100 } });
    expect(capabilitiesOf(registry, 'claude-opus-5')).toMatchObject({ rejectsSampling: false, rejectsPrefill: true });
    expect(capabilitiesOf(registry, 'claude-next')).toMatchObject({ rejectsSampling: true, effortLevels: ['low'], defaultMaxTokens: 100 });
  });

  it('names every problem at once (an operator mends a file in one go)', () => {
    expect(() => mergeModelCapabilities({ a: { thinkingTypes: ['often'] } })).toThrow(/thinkingTypes must be a list of adaptive, enabled, between_tools, disabled, received/);
    const merge = () => mergeModelCapabilities({ a: { rejectsSampling: 'yes' }, b: { effortLevels: ['huge'], nonsense: 1 }, c: 7, '': {} });
    expect(merge).toThrow(FrontDoorOptionsError);
    expect(merge).toThrow(/\["a"\]\.rejectsSampling must be true or false, received "yes"[^]*\["b"\]\.effortLevels must be a list of[^]*\["b"\]\.nonsense is not a capability[^]*\["c"\] must be an object[^]*must not be empty/);
    expect(() => mergeModelCapabilities([])).toThrow(/must be an object from model pattern/);
    expect(() => mergeModelCapabilities({ a: { defaultMaxTokens: 0 } })).toThrow(/must be a positive integer, received 0/);
  });
});

describe('matchesGlob', () => {
  it.each([
    ['a', 'a', true], ['a', 'ab', false], ['*', '', true], ['a*', 'a', true], ['a*c', 'abbc', true], ['a*c', 'ac', true], ['a*a', 'a', false], ['*b*', 'abc', true],
    ['a*b*c', 'a-b-c', true], ['a*b*c', 'acb', false], ['a.c', 'abc', false], ['a**', 'ab', true], ['*ab*ab', 'ab', false], ['*ab*ab', 'abab', true],
  ])('%s against %s is %s', (pattern, model, expected) => {
    expect(matchesGlob(pattern, model)).toBe(expected);
  });

  it('takes linear time for a hostile name', () => {
    expect(matchesGlob('*a*a*a*a*a*a*a*a*b', 'a'.repeat(200_000))).toBe(false);
  });
});

describe('createModelMap', () => {
  it('lets the first matching line win, and prefers the line\'s own default bound', () => {
    const map = createModelMap([
      { match: 'gpt-4', backend: 'a', upstreamModel: 'claude-3-haiku-20240307' },
      { match: 'claude-*', backend: 'a', defaultMaxTokens: 5, capabilities: { rejectsSampling: true } },
      { match: '*', backend: 'b' },
    ], BUILT_IN_MODEL_CAPABILITIES, 8192);
    expect(map.resolve('gpt-4')).toMatchObject({ backend: 'a', upstreamModel: 'claude-3-haiku-20240307', defaultMaxTokens: 4096 });
    expect(map.resolve('claude-3-opus-1')).toMatchObject({ defaultMaxTokens: 5, capabilities: { rejectsSampling: true } });
    expect(map.resolve('x')).toMatchObject({ backend: 'b', upstreamModel: 'x', defaultMaxTokens: 8192 });
    expect(map.aliases.map((route) => route.match)).toEqual(['gpt-4']);
    expect(createModelMap([], BUILT_IN_MODEL_CAPABILITIES, 1).resolve('x')).toBeUndefined();
  });

  it.each([['claude-opus-5-5', undefined, 128_000], ['claude-haiku-4-5', undefined, 64_000], ['x', undefined, 8_192], ['claude-opus-5-5', 20_000, 20_000], ['claude-3-haiku-20240307', 20_000, 4_096]])('bounds %s, where all models have %s, at %d (no bound means the most that the model writes)', (model, maxOutputTokens, bound) => {
    expect(createModelMap([{ match: '*', backend: 'a' }], BUILT_IN_MODEL_CAPABILITIES, maxOutputTokens).resolve(model)?.defaultMaxTokens).toBe(bound);
  });
});
