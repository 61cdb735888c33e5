import { performance as imported, type Performance } from 'node:perf_hooks';

// A setup file. Fake timers replace the global `performance`; the code under test reads the one of node:perf_hooks, for the sake of
// speed, and has to follow. Where the global is not replaced, both are one object.

// Of the prototype: the file runs once for each test file, and must not wrap itself.
const prototype = Object.getPrototypeOf(imported) as Performance;

imported.now = () => (globalThis.performance === imported ? prototype.now.call(imported) : globalThis.performance.now());
