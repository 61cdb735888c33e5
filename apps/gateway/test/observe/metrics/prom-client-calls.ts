import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';

/** Counts the calls of prom-client. */
export interface PromClientCalls {
  /** How often it was called since the last `reset`, for metrics whose names begin with `penstock_`. */
  count(): number;
  reset(): void;
  [Symbol.dispose](): void;
}

type Method = (this: unknown, ...parameters: readonly unknown[]) => unknown;

function isOwn(metric: unknown): boolean {
  // Events of Node itself, such as a garbage collection, belong to no request.
  return metric instanceof Registry || (typeof metric === 'object' && metric !== null && String(Reflect.get(metric, 'name')).startsWith('penstock_'));
}

/** Counts every call of prom-client's classes from here on, and of the children that `labels` makes: begin before the metrics are made. */
export function countPromClientCalls(): PromClientCalls {
  let calls = 0;
  const undo: (() => void)[] = [];

  function counted(method: Method, owner?: unknown): Method {
    return function (...parameters) {
      const metric = owner ?? this;
      if (isOwn(metric)) calls += 1;
      const result = Reflect.apply(method, this, parameters);
      if (method.name !== 'labels' || typeof result !== 'object' || result === null) return result;
      const children = Object.entries(result).map(([name, child]): [string, unknown] => [name, typeof child === 'function' ? counted(child as Method, metric) : child]);
      return Object.fromEntries(children);
    };
  }

  for (const { prototype } of [Counter, Gauge, Histogram, Summary, Registry]) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
      if (name === 'constructor' || descriptor === undefined || typeof descriptor.value !== 'function') continue;
      Object.defineProperty(prototype, name, { ...descriptor, value: counted(descriptor.value as Method) });
      undo.push(() => void Object.defineProperty(prototype, name, descriptor));
    }
  }
  return {
    count: () => calls,
    reset: () => void (calls = 0),
    [Symbol.dispose]() {
      for (const restore of undo) restore();
    },
  };
}
