import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into the gateway's process before its own code. At SIGUSR2 it runs the garbage collector: what is left is still referenced, and
// a rise of it is a leak, not a collector that was not called yet.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => collectGarbage());
