import { Socket } from 'node:net';
import { assert, asyncModelRun, asyncProperty, commands as commandSequences, nat, type AsyncCommand } from 'fast-check';
import { Client } from 'undici';
import { describe, it } from 'vitest';
import { resolvePool, type ResolvedPool } from '../src/options.ts';
import type { SlotHolder } from '../src/pool/slot-holder.ts';
import { SlotPool } from '../src/pool/slot-pool.ts';
import type { Slot } from '../src/pool/slot.ts';

/** A request as the pool sees it, with what was asked of it. */
class FakeHolder implements SlotHolder {
  slot: Slot | undefined = undefined;
  readonly connectMs = 1_000;
  isWaiting = false;
  previousWaiter: SlotHolder | undefined = undefined;
  nextWaiter: SlotHolder | undefined = undefined;
  imminent = false;
  readonly id: number;
  acquired = 0;
  connected = 0;
  ended: string | undefined;

  constructor(id: number) {
    this.id = id;
  }
  onAcquired(): void { this.acquired += 1; }
  onConnected(): void { this.connected += 1; }
  onConnectFailed(): void { this.ended = 'connect_failed'; }
  onRejected(reason: string): void { this.ended = reason; }
  onShutdown(): void { this.ended = 'shutdown'; }
  onHeadOverflow(): void { this.ended = 'overflow'; }
}

/** The reference: what the pool must be like, said with numbers and lists only. */
interface Model {
  limits: ResolvedPool;
  /** Requests in the queue, first come first. */
  queue: FakeHolder[];
  /** Requests whose connection is being made. */
  dialing: FakeHolder[];
  /** Requests being served. */
  serving: FakeHolder[];
  idle: number;
  isDraining: boolean;
}

/** The pool under test, with connections that are made and broken by the test. */
class Harness {
  readonly dials: { readonly callback: (error: Error | null, socket: Socket | undefined) => void; cancelled: boolean }[] = [];
  readonly pool: SlotPool;
  readonly deferred: (() => void)[] = [];
  nextId = 0;

  constructor(limits: ResolvedPool) {
    this.pool = new SlotPool({
      pool: limits,
      connect: (_timeoutMs, callback) => {
        const dial = { callback, cancelled: false };
        this.dials.push(dial);
        return { cancel: () => { dial.cancelled = true; } };
      },
      openClient: (slot, socket) => {
        socket.once('close', () => { this.pool.socketClosed(slot, socket); });
        return new Client('http://127.0.0.1:9');
      },
      notify: () => undefined,
      onEase: () => undefined,
    });
  }

  /** Lets closed sockets and settling slots come to rest. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  }

  check(model: Model): void {
    const { pool } = this;
    const expected = [model.queue.length, model.dialing.length, model.serving.length, model.idle];
    const actual = [pool.waiters.size, pool.connecting, pool.active, pool.idle.length];
    if (String(expected) !== String(actual)) throw new Error(`expected waiting, connecting, active, idle ${String(expected)}, got ${String(actual)}`);
    if (pool.size !== pool.active + pool.connecting + pool.idle.length || pool.settling !== 0 || pool.closing !== 0) throw new Error(`size ${pool.size} is not the sum of its parts`);
    for (const holder of model.queue) if (holder.slot !== undefined || holder.ended !== undefined) throw new Error('a waiter has a slot or has ended');
    for (const holder of [...model.dialing, ...model.serving]) if (holder.slot?.holder !== holder) throw new Error('a request lost its slot');
    for (const holder of model.serving) if (holder.connected !== 1 || holder.acquired !== 1) throw new Error('a request was not served exactly once');
  }
}

/** Moves waiters into free capacity, as the pool must. */
function serve(model: Model): void {
  while (model.queue.length > 0 && model.dialing.length + model.serving.length + model.idle < model.limits.maxConnections) {
    const next = model.queue.shift();
    if (next !== undefined) model.dialing.push(next);
  }
}

/** One connection came back from a request: to the oldest waiter, to the idle ones, or closed. */
function giveBack(model: Model): void {
  const others = model.dialing.length + model.serving.length + model.idle;
  if (others >= model.limits.maxConnections) return;
  const next = model.queue.shift();
  if (next !== undefined) model.serving.push(next);
  else if (!model.isDraining && model.idle < model.limits.maxKeepAliveConnections) model.idle += 1;
}

abstract class Command implements AsyncCommand<Model, Harness> {
  readonly pick: number;
  constructor(pick: number) {
    this.pick = pick;
  }
  check(_model: Readonly<Model>): boolean { return true; }
  abstract apply(model: Model, harness: Harness): void;
  async run(model: Model, harness: Harness): Promise<void> {
    this.apply(model, harness);
    await harness.rest();
    harness.check(model);
  }
  toString(): string { return `${this.constructor.name}(${this.pick})`; }
}

class Acquire extends Command {
  apply(model: Model, harness: Harness): void {
    const holder = new FakeHolder(harness.nextId);
    harness.nextId += 1;
    harness.pool.acquire(holder);
    const used = model.dialing.length + model.serving.length + model.idle;
    if (model.isDraining) { if (holder.ended !== 'draining') throw new Error('not refused while draining'); }
    else if (model.idle > 0) { model.idle -= 1; model.serving.push(holder); }
    else if (used < model.limits.maxConnections) model.dialing.push(holder);
    else if (model.queue.length < model.limits.maxWaiting) model.queue.push(holder);
    else if (holder.ended !== 'queue_full') throw new Error('not refused by a full queue');
  }
}

class Dialed extends Command {
  override check(model: Readonly<Model>): boolean { return model.dialing.length > 0; }
  apply(model: Model, harness: Harness): void {
    const open = harness.dials.filter((dial) => !dial.cancelled);
    const dial = open[this.pick % open.length];
    if (dial === undefined) throw new Error('no dial under way');
    harness.dials.splice(harness.dials.indexOf(dial), 1);
    const before = model.dialing.filter((holder) => holder.connected === 0);
    dial.callback(null, new Socket());
    const served = before.find((holder) => holder.connected === 1);
    if (served === undefined) throw new Error('a connection was made for nobody');
    model.dialing.splice(model.dialing.indexOf(served), 1);
    model.serving.push(served);
  }
}

class DialFailed extends Command {
  override check(model: Readonly<Model>): boolean { return model.dialing.length > 0; }
  apply(model: Model, harness: Harness): void {
    const open = harness.dials.filter((dial) => !dial.cancelled);
    const dial = open[this.pick % open.length];
    if (dial === undefined) throw new Error('no dial under way');
    harness.dials.splice(harness.dials.indexOf(dial), 1);
    dial.callback(new Error('refused'), undefined);
    const failed = model.dialing.filter((holder) => holder.ended === 'connect_failed');
    if (failed.length !== 1) throw new Error('not exactly one request failed');
    model.dialing = model.dialing.filter((holder) => holder.ended === undefined);
    serve(model);
  }
}

class Finish extends Command {
  override check(model: Readonly<Model>): boolean { return model.serving.length > 0; }
  apply(model: Model, harness: Harness): void {
    const [holder] = model.serving.splice(this.pick % model.serving.length, 1);
    if (holder !== undefined) harness.pool.release(holder);
    giveBack(model);
    serve(model);
  }
}

class AbortServing extends Command {
  override check(model: Readonly<Model>): boolean { return model.serving.length > 0; }
  apply(model: Model, harness: Harness): void {
    const [holder] = model.serving.splice(this.pick % model.serving.length, 1);
    if (holder !== undefined) harness.pool.abandon(holder, 'aborted');
    serve(model);
  }
}

class AbortDialing extends Command {
  override check(model: Readonly<Model>): boolean { return model.dialing.length > 0; }
  apply(model: Model, harness: Harness): void {
    const index = this.pick % model.dialing.length;
    const [holder] = model.dialing.splice(index, 1);
    if (holder !== undefined) harness.pool.abandon(holder, 'aborted');
    const next = model.queue.shift();
    if (next !== undefined) model.dialing.splice(index, 0, next);
  }
}

class LeaveQueue extends Command {
  override check(model: Readonly<Model>): boolean { return model.queue.length > 0; }
  apply(model: Model, harness: Harness): void {
    const [holder] = model.queue.splice(this.pick % model.queue.length, 1);
    if (holder === undefined) return;
    harness.pool.abandon(holder, 'aborted');
    harness.pool.abandon(holder, 'aborted');
  }
}

class UpstreamClosesIdle extends Command {
  override check(model: Readonly<Model>): boolean { return model.idle > 0; }
  apply(model: Model, harness: Harness): void {
    harness.pool.idle.at(this.pick % model.idle)?.socket?.destroy();
    model.idle -= 1;
  }
}

class Resize extends Command {
  apply(model: Model, harness: Harness): void {
    const maxConnections = 1 + (this.pick % 5);
    const limits = resolvePool({ maxConnections, maxKeepAliveConnections: this.pick % (maxConnections + 1), maxWaiting: this.pick % 4 });
    harness.pool.resize(limits);
    model.limits = limits;
    const used = model.dialing.length + model.serving.length;
    model.idle = Math.max(0, Math.min(model.idle, limits.maxKeepAliveConnections, limits.maxConnections - used));
    serve(model);
  }
}

class Drain extends Command {
  apply(model: Model, harness: Harness): void {
    if (this.pick % 8 !== 0) return;
    harness.pool.drain();
    model.isDraining = true;
    model.idle = 0;
  }
}

const pick = nat({ max: 1_000 });
const commands = [Acquire, Acquire, Dialed, DialFailed, Finish, AbortServing, AbortDialing, LeaveQueue, UpstreamClosesIdle, Resize, Drain]
  .map((Kind) => pick.map((number) => new Kind(number)));

describe('the slot pool against a reference model', () => {
  it('agrees after every step of any sequence (no slot is ever lost, doubled or given out of turn)', async () => {
    await assert(asyncProperty(commandSequences(commands, { maxCommands: 60, size: 'max' }), async (steps) => {
      const limits = resolvePool({ maxConnections: 3, maxKeepAliveConnections: 2, maxWaiting: 3 });
      await asyncModelRun(() => ({
        model: { limits, queue: [], dialing: [], serving: [], idle: 0, isDraining: false } satisfies Model,
        real: new Harness(limits),
      }), steps);
    }), { numRuns: 300, endOnFailure: false });
  });
});
