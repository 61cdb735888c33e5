import { Socket } from 'node:net';
import { assert, asyncModelRun, asyncProperty, commands as commandSequences, nat, type AsyncCommand } from 'fast-check';
import { Client } from 'undici';
import { describe, it } from 'vitest';
import { resolvePool, type ResolvedPool } from '../src/options.ts';
import { SlotPool } from '../src/pool/slot-pool.ts';
import { FakeHolder, giveBack, heldBy, leave, longLivedOf, maxLongLived, mayHold, queueUp, serve, takeNext, type Model } from './slot-pool-reference.ts';

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
      onCapacityFreed: () => undefined,
    });
  }

  /** Lets closed sockets and settling slots come to rest. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  }

  check(model: Model): void {
    const { pool } = this;
    const expected = [model.queue.length, model.dialing.length, model.serving.length, model.idle];
    const actual = [pool.shares.waiting, pool.connecting, pool.active, pool.idle.length];
    if (String(expected) !== String(actual)) throw new Error(`expected waiting, connecting, active, idle ${String(expected)}, got ${String(actual)}`);
    if (pool.size !== pool.active + pool.connecting + pool.idle.length || pool.settling !== 0 || pool.closing !== 0) throw new Error(`size ${pool.size} is not the sum of its parts`);
    const held = (holder: FakeHolder): number => heldBy(model, holder.client);
    for (const holder of [...model.dialing, ...model.serving]) {
      const stats = pool.shares.stats().find(({ client }) => client === (holder.client ?? ''));
      if (stats?.held !== held(holder)) throw new Error(`client ${holder.client} holds ${held(holder)}, got ${stats?.held}`);
    }
    if (pool.shares.longLived !== longLivedOf(model) || pool.shares.stats().reduce((sum, { held: slots }) => sum + slots, 0) !== model.dialing.length + model.serving.length) throw new Error('what is held does not add up');
    if (pool.shares.longLived > maxLongLived(model) && !model.hasShrunk) throw new Error('long-lived requests hold more than their part');
    for (const holder of model.queue) if (holder.slot !== undefined || holder.ended !== undefined) throw new Error('a waiter has a slot or has ended');
    for (const holder of [...model.dialing, ...model.serving]) if (holder.slot?.holder !== holder) throw new Error('a request lost its slot');
    for (const holder of model.serving) if (holder.connected !== 1 || holder.acquired !== 1) throw new Error('a request was not served exactly once');
  }
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
    const holder = new FakeHolder(harness.nextId, [undefined, 'one', 'two'][this.pick % 3], this.pick % 7 < 2);
    harness.nextId += 1;
    harness.pool.acquire(holder);
    const used = model.dialing.length + model.serving.length + model.idle;
    if (model.isDraining) { if (holder.ended !== 'draining') throw new Error('not refused while draining'); }
    else if (mayHold(model, holder) && model.idle > 0) { model.idle -= 1; model.serving.push(holder); }
    else if (mayHold(model, holder) && used < model.limits.maxConnections) model.dialing.push(holder);
    else if (queueUp(model, holder)?.ended === undefined && holder.ended !== undefined) throw new Error('refused although there is room');
    else if (!model.queue.includes(holder) && holder.ended !== 'queue_full') throw new Error('not refused by a full queue');
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
    if (served === undefined) throw new Error('a connection was made without a waiter');
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
    const next = takeNext(model);
    if (next !== undefined) model.dialing.splice(index, 0, next);
    serve(model);
  }
}

class LeaveQueue extends Command {
  override check(model: Readonly<Model>): boolean { return model.queue.length > 0; }
  apply(model: Model, harness: Harness): void {
    const holder = model.queue[this.pick % model.queue.length];
    if (holder === undefined) return;
    leave(model, holder);
    harness.pool.abandon(holder, 'aborted');
    harness.pool.abandon(holder, 'aborted');
  }
}

class EndLongLived extends Command {
  override check(model: Readonly<Model>): boolean { return model.serving.some(({ isLongLived }) => isLongLived); }
  apply(model: Model, harness: Harness): void {
    const longLived = model.serving.filter((holder) => holder.isLongLived);
    const holder = longLived[this.pick % longLived.length];
    if (holder !== undefined) harness.pool.endLongLived(holder);
    serve(model);
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
    const limits = resolvePool({ maxConnections, maxKeepAliveConnections: this.pick % (maxConnections + 1), maxWaiting: this.pick % 4, longLivedShare: 0.4 });
    harness.pool.resize(limits);
    model.limits = limits;
    model.hasShrunk = true;
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
const commands = [Acquire, Acquire, Acquire, Dialed, DialFailed, Finish, AbortServing, AbortDialing, LeaveQueue, EndLongLived, UpstreamClosesIdle, Resize, Drain]
  .map((Kind) => pick.map((number) => new Kind(number)));

describe('the slot pool against a reference model', () => {
  it('agrees after every step of any sequence (no slot is ever lost, doubled or given out of turn)', async () => {
    await assert(asyncProperty(commandSequences(commands, { maxCommands: 60, size: 'max' }), async (steps) => {
      const limits = resolvePool({ maxConnections: 4, maxKeepAliveConnections: 2, maxWaiting: 4, longLivedShare: 0.5 });
      await asyncModelRun(() => ({
        model: { limits, queue: [], turns: [], dialing: [], serving: [], idle: 0, isDraining: false, hasShrunk: false } satisfies Model,
        real: new Harness(limits),
      }), steps);
    }), { numRuns: 300, endOnFailure: false });
  });
});
