// Exit code 0 when the gateway's process is alive. For HEALTHCHECK of an image that has no curl.
// Kubernetes sets the variable to tcp://… for a service of that name.
const { PENSTOCK_OPERATIONS_PORT: given = '' } = process.env;
const port = given === '' || given.includes('://') ? '9464' : given;
const host = process.env.PENSTOCK_HEALTHCHECK_HOST || '127.0.0.1';
try {
  const response = await fetch(`http://${host}:${port}/livez`, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  process.exitCode = response.status === 200 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
