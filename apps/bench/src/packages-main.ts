import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// Runs the benchmarks that the packages keep beside their sources, one after another: `bench:packages`.

const BENCHES = [
  ['header-policy', 'header-policy.bench.ts'], ['json-envelope', 'main.ts'], ['upstream-client', 'dispatch.bench.ts'],
  ['sse-relay', 'relay-cost.ts'], ['openai-front-door', 'translate-stream.bench.ts'],
] as const;

for (const [name, program] of BENCHES) {
  console.log(`\n# ${name}`);
  const cwd = fileURLToPath(new URL(`../../../packages/${name}/`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--conditions=@penstock/source', `bench/${program}`, '--quick'], { cwd, stdio: 'inherit', timeout: 300_000 });
  if (status !== 0) process.exitCode = 1;
}
