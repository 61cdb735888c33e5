// A client in a process of its own, which sends as fast as it can however busy the gateway's process is.
// usage: send-large-body.ts URL BYTES; its parent is told the status of the answer.
const [url = '', bytes = '0'] = process.argv.slice(2);
const body = JSON.stringify({ model: 'claude-sim', messages: [{ role: 'user', content: 'x'.repeat(Number(bytes)) }] });
const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
await response.text();
process.send?.(response.status);
