import { describe, expect, it } from 'vitest';
import { createOpenAiFrontDoor, ERROR_KINDS, FRONT_DOOR_ERROR_CODES, FrontDoorError, FrontDoorOptionsError, isFrontDoorError, openAiErrorBody, openAiErrorResponse, OUTCOMES, type FrontDoorOptions } from '../src/index.ts';

const send = (): Promise<never> => Promise.reject(new Error('not asked'));
const GOOD: FrontDoorOptions = { backends: { a: { kind: 'anthropic', send }, o: { kind: 'openai', send } }, models: [{ match: 'claude-*', backend: 'a' }] };

describe('createOpenAiFrontDoor', () => {
  it('takes options without more, and opens nothing', () => {
    const frontDoor = createOpenAiFrontDoor(GOOD);
    expect([frontDoor.openRequests(), frontDoor.routes().name]).toEqual([0, 'openAiFrontDoor']);
  });

  it.each([
    [{ models: [{ match: 'x', backend: 'z' }] }, /models\[0\]\.backend must be one of a, o, received "z"/],
    [{ models: [{ match: '', backend: 'a' }] }, /models\[0\]\.match must be a model name or pattern, received ""/],
    [{ models: [{ match: 'x', backend: 'o', upstreamModel: 'y' }] }, /models\[0\]\.upstreamModel must be absent for an openai backend/],
    [{ models: [{ match: 'x', backend: 'a', defaultMaxTokens: 0 }] }, /models\[0\]\.defaultMaxTokens must be a positive integer, received 0/],
    [{ models: [{ match: 'x', backend: 'a', capabilities: { rejectsSampling: 'no' } }] }, /models\[0\]\.capabilities\.rejectsSampling must be true or false, received "no"/],
    [{ maxOutputTokens: 1.5 }, /maxOutputTokens must be a positive integer, received 1\.5/],
    [{ limits: { maxRequestBytes: -1 } }, /limits\.maxRequestBytes must be a positive integer, received -1/],
    [{ limits: { keepAliveMs: -1 } }, /limits\.keepAliveMs must be a non-negative integer, received -1/],
    [{ limits: { maxNonsense: 1 } }, /limits\.maxNonsense is not a limit; the limits are maxRequestBytes/],
    [{ relayGroups: ['front_door', 'files'] }, /relayGroups must hold only front_door, front_door_files, .*received "files"/],
    [{ limits: { modelsWaitMs: 0 } }, /limits\.modelsWaitMs must be a positive integer, received 0/],
    [{ backends: { a: { kind: 'other', send } } }, /backends\.a\.kind must be anthropic or openai, received "other"/],
    [{ backends: { a: null } }, /backends\.a must be an object, received null/],
    [{ backends: { a: { kind: 'anthropic' } } }, /backends\.a\.send must be a function, received undefined/],
    [{ models: [null] }, /models\[0\] must be an object, received null/],
    [{ models: [{ match: 'x', backend: 'a', upstreamModel: 5 }] }, /models\[0\]\.upstreamModel must be a string, received a number/],
    [{ capabilities: [null] }, /capabilities\[0\] must be an object, received null/],
    [{ capabilities: [{ match: 5, capabilities: {} }] }, /capabilities\[0\]\.match must be a model name or pattern, received 5/],
    [{ capabilities: [{ match: 'x', capabilities: { inlineSystem: 1 } }] }, /capabilities\[0\]\.capabilities\.inlineSystem must be true or false, received 1/],
  ])('refuses %j and says what it expected', (given, message) => {
    const options = { ...GOOD, ...given } as unknown as FrontDoorOptions;
    expect(() => createOpenAiFrontDoor(options)).toThrow(FrontDoorOptionsError);
    expect(() => createOpenAiFrontDoor(options)).toThrow(message);
  });

  it('lists all problems at once', () => {
    const broken = { ...GOOD, maxOutputTokens: 0, limits: { clientStallMs: 0 }, models: [{ match: 'x', backend: 'z' }] };
    expect(() => createOpenAiFrontDoor(broken)).toThrow(expect.objectContaining({ code: 'invalid_options', problems: [expect.any(String), expect.any(String), expect.any(String)] }));
  });
});

describe('FrontDoorError', () => {
  it.each(FRONT_DOOR_ERROR_CODES)('%s has a status, an OpenAI type and an outcome', (code) => {
    const error = new FrontDoorError(code, 'x');
    expect(error).toMatchObject(ERROR_KINDS[code].shouldRetry === undefined ? { code } : { code, shouldRetry: ERROR_KINDS[code].shouldRetry });
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(OUTCOMES).toContain(error.outcome);
    expect(openAiErrorResponse(error).headers['x-penstock-error']).toBe(code);
  });

  it('is known across copies of the package by its name', () => {
    expect(isFrontDoorError(new FrontDoorError('forbidden', 'x'))).toBe(true);
    expect(isFrontDoorError(new Error('x'))).toBe(false);
    expect(isFrontDoorError('forbidden')).toBe(false);
  });

  it('may differ from its code in status and type, and tells when to come back in whole seconds', () => {
    const { status, headers, body } = openAiErrorResponse(new FrontDoorError('rate_limited', 'Slow down.', { status: 402, type: 'billing_error', retryAfterSeconds: 0.2 }));
    expect([status, headers['retry-after'], body]).toEqual([402, '1', '{"error":{"message":"Slow down.","type":"billing_error","param":null,"code":"rate_limited"}}']);
  });
});

it('openAiErrorBody fills what is absent with null (clients read all four members)', () => {
  expect(openAiErrorBody({ message: 'm', type: 't' })).toEqual({ error: { message: 'm', type: 't', param: null, code: null } });
});
