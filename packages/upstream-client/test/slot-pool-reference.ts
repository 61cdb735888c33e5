import type { ResolvedPool } from '../src/options.ts';
import type { Slot, SlotHolder, WaiterLine } from '../src/pool/slot.ts';

/** A request as the pool sees it, with what was asked of it. */
export class FakeHolder implements SlotHolder {
  slot: Slot | undefined = undefined;
  readonly connectMs = 1_000;
  readonly timings = { enqueuedAt: 0 };
  readonly client: string | undefined;
  readonly caller: string | undefined;
  isLongLived: boolean;
  line: WaiterLine | undefined = undefined;
  previousWaiter: SlotHolder | undefined = undefined;
  nextWaiter: SlotHolder | undefined = undefined;
  imminent = false;
  readonly id: number;
  acquired = 0;
  connected = 0;
  ended: string | undefined;

  constructor(id: number, client: string | undefined, isLongLived: boolean, caller?: string) {
    this.caller = caller;
    this.id = id;
    this.client = client;
    this.isLongLived = isLongLived;
  }
  onAcquired(): void { this.acquired += 1; }
  onConnected(): void { this.connected += 1; }
  onConnectFailed(): void { this.ended = 'connect_failed'; }
  onRejected(reason: string): void { this.ended = reason; }
  onShutdown(): void { this.ended = 'shutdown'; }
  onHeadOverflow(): void { this.ended = 'overflow'; }
}

/** The reference: what the pool must be like, said with numbers and lists only. */
export interface Model {
  limits: ResolvedPool;
  /** Requests in the queues, first come first. */
  queue: FakeHolder[];
  /** Clients with waiting requests, by the kind of these, in their turn. */
  turns: string[];
  /** Requests whose connection is being made. */
  dialing: FakeHolder[];
  /** Requests being served. */
  serving: FakeHolder[];
  idle: number;
  isDraining: boolean;
  /** After a resize long-lived requests may hold more than their part for a while. */
  hasShrunk: boolean;
}

export function heldBy(model: Model, client: string | undefined): number {
  return [...model.dialing, ...model.serving].filter((holder) => holder.client === client).length;
}

export function longLivedOf(model: Model): number {
  return [...model.dialing, ...model.serving].filter(({ isLongLived }) => isLongLived).length;
}

export function maxLongLived({ limits }: Model): number {
  return Math.max(1, Math.floor(limits.maxConnections * limits.longLivedShare));
}

export function mayHold(model: Model, holder: FakeHolder): boolean {
  return !holder.isLongLived || longLivedOf(model) < maxLongLived(model);
}

/** Takes out whose turn it is: of the client that holds fewest, and of such the one whose turn is longest ago; a long-lived one only if its client holds fewer. */
export function takeNext(model: Model): FakeHolder | undefined {
  const [next, other] = [false, true].map((isLongLived) => {
    const eligible = model.queue.filter((holder) => holder.isLongLived === isLongLived && mayHold(model, holder));
    return eligible.toSorted((one, two) => heldBy(model, one.client) - heldBy(model, two.client) || turnOf(model, one) - turnOf(model, two) || one.id - two.id)[0];
  });
  const chosen = next === undefined || (other !== undefined && heldBy(model, other.client) < heldBy(model, next.client)) ? other : next;
  if (chosen === undefined) return undefined;
  leave(model, chosen);
  // Whose turn it was comes last.
  if (waitingWith(model, chosen).length > 0) {
    model.turns.splice(turnOf(model, chosen), 1);
    model.turns.push(lineName(chosen));
  }
  return chosen;
}

/** Takes a request out of the queue, and its line with the last one. */
export function leave(model: Model, holder: FakeHolder): void {
  model.queue.splice(model.queue.indexOf(holder), 1);
  if (waitingWith(model, holder).length === 0) model.turns.splice(turnOf(model, holder), 1);
}

function waitingWith(model: Model, { client, isLongLived }: FakeHolder): FakeHolder[] {
  return model.queue.filter((holder) => holder.client === client && holder.isLongLived === isLongLived);
}

function lineName({ client, isLongLived }: FakeHolder): string {
  return `${client ?? ''} ${isLongLived}`;
}

function turnOf(model: Model, holder: FakeHolder): number {
  return model.turns.indexOf(lineName(holder));
}

/** The request without a place in the queues once a newcomer is there: none, the newest of the client with most, or the newcomer. */
export function queueUp(model: Model, newcomer: FakeHolder): FakeHolder | undefined {
  const { maxWaiting, longLivedShare } = model.limits;
  const room = newcomer.isLongLived ? Math.min(maxWaiting, Math.max(1, Math.floor(maxWaiting * longLivedShare))) : maxWaiting;
  const alike = model.queue.filter(({ isLongLived }) => isLongLived === newcomer.isLongLived);
  const waiting = (client: string | undefined): FakeHolder[] => alike.filter((holder) => holder.client === client);
  let displaced: FakeHolder | undefined;
  if (alike.length >= room) {
    const longest = Math.max(0, ...alike.map(({ client }) => waiting(client).length));
    if (longest <= waiting(newcomer.client).length + 1) return newcomer;
    // Of several with as many, the pool may choose any.
    displaced = alike.filter(({ client, ended }) => waiting(client).length === longest && ended === 'queue_full')[0];
    if (displaced === undefined || waiting(displaced.client).at(-1) !== displaced) throw new Error('not the newest of the client with most was displaced');
    leave(model, displaced);
  }
  if (waitingWith(model, newcomer).length === 0) model.turns.push(lineName(newcomer));
  model.queue.push(newcomer);
  return displaced;
}

/** Moves waiters into free capacity, as the pool must. */
export function serve(model: Model): void {
  while (model.idle > 0 || model.dialing.length + model.serving.length < model.limits.maxConnections) {
    const next = takeNext(model);
    if (next === undefined) return;
    if (model.idle > 0) { model.idle -= 1; model.serving.push(next); } else model.dialing.push(next);
  }
}

/** One connection came back from a request: to whose turn it is, to the idle ones, or closed. */
export function giveBack(model: Model): void {
  const others = model.dialing.length + model.serving.length + model.idle;
  if (others >= model.limits.maxConnections) return;
  const next = takeNext(model);
  if (next !== undefined) model.serving.push(next);
  else if (!model.isDraining && model.idle < model.limits.maxKeepAliveConnections) model.idle += 1;
}
