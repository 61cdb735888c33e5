/** The fields through which a queue links its connections. */
export interface QueuedConnection<Self extends QueuedConnection<Self>> {
  /** The queue that holds it; the queue alone writes these fields. */
  queue: ConnectionQueue<Self> | undefined;
  previous: Self | undefined;
  next: Self | undefined;
}

/** Connections in the order in which they were put in. They are linked through their own fields: moving one costs no allocation. */
export class ConnectionQueue<Connection extends QueuedConnection<Connection>> {
  #first: Connection | undefined;
  #last: Connection | undefined;

  /** The one that was put in first. */
  get first(): Connection | undefined {
    return this.#first;
  }

  /** Puts in a connection that is in no queue. */
  append(connection: Connection): void {
    connection.queue = this;
    connection.previous = this.#last;
    if (this.#last === undefined) this.#first = connection;
    else this.#last.next = connection;
    this.#last = connection;
  }

  /** Takes out a connection that is in this queue. */
  remove(connection: Connection): void {
    const { previous, next } = connection;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    connection.queue = undefined;
    connection.previous = undefined;
    connection.next = undefined;
  }
}
