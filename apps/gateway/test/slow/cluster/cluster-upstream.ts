/** The upstream of the cluster, as a process on a host of its own: `node cluster-upstream.ts ADDRESS PORT`. */
import { startSimulator } from '@penstock/anthropic-simulator';

const [host = '127.0.0.1', port = '0'] = process.argv.slice(2);
await startSimulator({ host, port: Number(port) });
console.log('listening');
