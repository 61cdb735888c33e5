import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createRequestRecorder } from '../../../src/observe/metrics/create-request-recorder.ts';
import { declareGatewayMetrics, type GatewayMetricSet } from '../../../src/observe/metrics/declare-gateway-metrics.ts';
import { createClosedLabel } from '../../../src/observe/metrics/label-bounds.ts';
import { OpenRequests } from '../../../src/request/open-requests.ts';
import { STREAMED_MESSAGE } from './request-records.ts';
import { bySide, SIDES } from '../../../src/request/request-record.ts';

interface Calls {
  lookups: number;
  records: number;
}

/** Counts what an object's methods are called, and what the children are called that its `tally` makes. */
function counting<Target extends object>(target: Target, calls: Calls): Target {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name);
      if (typeof member !== 'function') return member;
      return (...parameters: readonly unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, object, parameters);
        if (name !== 'series') calls.records += 1;
        else calls.lookups += 1;
        return name === 'series' && typeof result === 'object' && result !== null ? counting(result, calls) : result;
      };
    },
  });
}

function setup(): { readonly record: ReturnType<typeof createRequestRecorder>; readonly calls: Calls } {
  const state = { sides: SIDES, openRequests: bySide(() => new OpenRequests()), clients: createClosedLabel([]), streamsOpen: bySide(() => 0), draining: false };
  const calls: Calls = { lookups: 0, records: 0 };
  const declared = declareGatewayMetrics(new Registry(), state);
  const metrics: GatewayMetricSet = {
    ...declared, seconds: counting(declared.seconds, calls),
    firstByte: counting(declared.firstByte, calls), modelFirstByte: counting(declared.modelFirstByte, calls), overhead: counting(declared.overhead, calls), streamGap: counting(declared.streamGap, calls),
  };
  const labels = { clients: createClosedLabel(['alice']), routes: createClosedLabel(['/anthropic/v1/messages']), sides: SIDES };
  return { record: createRequestRecorder(metrics, labels), calls };
}

describe('the cost of recording a request', () => {
  it('is at most five observations, and no label lookup once a request of its kind was seen (nothing is paid per event)', () => {
    const { record, calls } = setup();
    record({ ...STREAMED_MESSAGE, sawStop: false });
    expect(calls.records).toBe(5);
    const { lookups } = calls;
    calls.records = 0;
    for (let index = 0; index < 1_000; index += 1) record({ ...STREAMED_MESSAGE, requestId: `pen_${index}`, durationMs: index });
    expect(calls).toEqual({ lookups, records: 5_000 });
  });

  it('leaves out what a request did not have', () => {
    const { record, calls } = setup();
    record({
      side: 'native', requestId: 'pen_1', route: '/anthropic/v1/messages', method: 'POST', status: 401, outcome: 'client_error', client: 'unauthenticated',
      durationMs: 1, isEventStream: false, requestBytes: 0, responseBytes: 0,
    });
    expect(calls.records).toBe(1);
  });
});
