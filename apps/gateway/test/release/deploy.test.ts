import { readFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { at } from '../../src/demo/ask.ts';
import { startTestOperations } from './start-test-operations.ts';
import { CHART, HAS_HELM, helm, HELM_NOTE, loadText, MANIFEST_VALUES, manifestsOf, readYaml, render, ROOT } from './deployment.ts';

const MANIFESTS = 'deploy/kubernetes/penstock.yaml';
const manifests = manifestsOf(readFileSync(join(ROOT, MANIFESTS), 'utf8'));
const pod = at(manifests.get('Deployment'), 'spec', 'template', 'spec');
const container = at(pod, 'containers', 0);
const config = loadText(String(at(manifests.get('ConfigMap'), 'data', 'gateway.json')));
const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => at(container, name, 'httpGet'));

describe('the manifests, the configuration and the ports agree', () => {
  test('the configuration of the chart is one that the gateway takes, and names the service', () => {
    expect(config.server.allowed_hosts).toEqual(['penstock', 'penstock.default', 'penstock.default.svc', 'penstock.default.svc.cluster.local']);
    expect(config.clients.length).toBe(1);
  });

  test('the container\'s ports are those that the gateway listens on, and everything else refers to them by name', () => {
    expect(at(container, 'ports')).toEqual([
      { name: 'http', containerPort: config.server.port, protocol: 'TCP' }, { name: 'operations', containerPort: config.operations.port, protocol: 'TCP' },
    ]);
    const service = at(manifests.get('Service'), 'spec', 'ports') as { targetPort: string }[];
    expect(service.map(({ targetPort }) => targetPort)).toEqual(['http', 'operations']);
    const ingress = at(manifests.get('NetworkPolicy'), 'spec', 'ingress') as { ports: { port: string }[] }[];
    expect(ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual(['http', 'operations']);
  });

  test('probes ask the operations listener, under a Host that it takes', () => {
    expect(probes.map((probe) => [at(probe, 'path'), at(probe, 'port'), at(probe, 'httpHeaders', 0, 'value')])).toEqual([
      ['/livez', 'operations', 'localhost'], ['/livez', 'operations', 'localhost'], ['/readyz', 'operations', 'localhost'],
    ]);
  });

  test('a pod is given the time that a drain may take, and no hook delays it twice', () => {
    expect(config.server.pre_stop_delay).toBe(5);
    expect(at(pod, 'terminationGracePeriodSeconds')).toBe(config.server.pre_stop_delay + config.server.drain_timeout + 5);
    expect(at(container, 'lifecycle')).toBeUndefined();
  });

  test('a replica that leaves is preceded by one that is ready, and scaling follows open streams', () => {
    expect(at(manifests.get('Deployment'), 'spec', 'strategy', 'rollingUpdate')).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    const metric = at(manifests.get('HorizontalPodAutoscaler'), 'spec', 'metrics', 0, 'pods');
    expect(at(metric, 'metric', 'name')).toBe('penstock_streams_open');
    expect(Number(at(metric, 'target', 'averageValue'))).toBe(config.anthropic_native.pool.max_connections * 0.6);
    expect(readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8')).toContain('`penstock_streams_open`');
  });

  test('the pod runs without root, writes nothing, and has its key from a secret', () => {
    expect(at(pod, 'securityContext')).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } });
    expect(at(container, 'securityContext')).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    expect(at(container, 'env')).toEqual([{ name: 'ANTHROPIC_API_KEY', valueFrom: { secretKeyRef: { name: 'penstock', key: 'ANTHROPIC_API_KEY' } } }]);
    expect(at(pod, 'automountServiceAccountToken')).toBe(false);
  });

  test('the pod gets no variables of services (PENSTOCK_PORT=tcp://… is no port)', () => {
    expect(at(pod, 'enableServiceLinks')).toBe(false);
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');

  test('exposes the default ports, is not root, and hands signals to node itself', () => {
    const { server, operations } = loadText('{}');
    expect(dockerfile).toContain(`EXPOSE ${server.port} ${operations.port}`);
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["node", "\/app\/dist\/main\.js"\]$/m);
  });

  test('health check: exits with 0 while the process lives and with 1 when no process answers', async () => {

    const check = async (port: number): Promise<unknown> => {
      const child = spawn(process.execPath, [join(ROOT, 'deploy/healthcheck.mjs')], { env: { PENSTOCK_OPERATIONS_PORT: String(port) }, stdio: 'inherit' });
      return (await once(child, 'close'))[0];
    };
    const operations = await startTestOperations();
    expect(await check(operations.port)).toBe(0);
    await operations.close();
    expect(await check(operations.port)).toBe(1);
  });
});

test('the health check asks the default port where Kubernetes set the variable to the address of a service', () => {
  const asked = (port: string): string => spawnSync(
    process.execPath, ['--import', 'data:text/javascript,globalThis.fetch = async (url) => { console.log(url); return new Response(); };', join(ROOT, 'deploy/healthcheck.mjs')],
    { env: { PENSTOCK_OPERATIONS_PORT: port }, encoding: 'utf8' },
  ).stdout.trim();
  expect(['tcp://10.96.12.7:9464', '', '9000'].map(asked)).toEqual(['http://127.0.0.1:9464/livez', 'http://127.0.0.1:9464/livez', 'http://127.0.0.1:9000/livez']);
});

describe('try-image.sh', () => {
  const script = readFileSync(join(ROOT, 'deploy/try-image.sh'), 'utf8');

  test('runs an image as strictly as compose.yaml does, as the client of the simulated configuration', () => {
    for (const word of ['--read-only', '--cap-drop ALL', '--security-opt no-new-privileges', 'gateway.simulated.json:/etc/penstock/gateway.json:ro']) expect(script).toContain(word);
    const key = /x-api-key: (pen_[\w-]+)/.exec(script)?.[1] ?? '';
    expect(at(readYaml('deploy/gateway.simulated.json'), 'clients', 0, 'key_sha256')).toBe(hashClientKey(key));
  });

  test('is a script that bash can read', () => {
    expect(spawnSync('bash', ['-n', join(ROOT, 'deploy/try-image.sh')]).status).toBe(0);
  });
});

describe('compose.yaml', () => {
  const services = at(readYaml('deploy/compose.yaml'), 'services');

  test.each([['gateway', 'gateway.json'], ['gateway-simulated', 'gateway.simulated.json']])('%s mounts a sound configuration and publishes its port to this machine only', (name, file) => {
    const service = at(services, name);
    const loaded = loadText(readFileSync(join(ROOT, 'deploy', file), 'utf8'), name === 'gateway-simulated');
    expect(at(service, 'volumes')).toEqual([`./${file}:/etc/penstock/gateway.json:ro`]);
    expect(at(service, 'ports')).toEqual([`127.0.0.1:8000:${loaded.server.port}`]);
    expect([at(service, 'read_only'), at(service, 'cap_drop')]).toEqual([true, ['ALL']]);
    expect(at(service, 'stop_grace_period')).toBe(`${loaded.server.pre_stop_delay + loaded.server.drain_timeout + 5}s`);
  });

  test('the simulated client\'s key is the one that the file names, and only the simulator takes it', () => {
    const key = /pen_public[\w-]+/.exec(readFileSync(join(ROOT, 'deploy/compose.yaml'), 'utf8'))?.[0] ?? '';
    expect(at(readYaml('deploy/gateway.simulated.json'), 'clients', 0, 'key_sha256')).toBe(hashClientKey(key));
    expect(at(services, 'gateway-simulated', 'command')).toContain('--simulate');
    expect(readFileSync(join(ROOT, 'deploy/gateway.json'), 'utf8')).not.toContain(hashClientKey(key));
  });

  test('Prometheus scrapes a name and port that the gateway answers to, and Grafana finds the dashboards where it looks', () => {
    const [target = ''] = at(readYaml('deploy/prometheus/prometheus.yml'), 'scrape_configs', 0, 'static_configs', 0, 'targets') as string[];
    const loaded = loadText(readFileSync(join(ROOT, 'deploy/gateway.json'), 'utf8'));
    expect(target).toBe(`gateway:${loaded.operations.port}`);
    expect(loaded.server.allowed_hosts).toContain('gateway');
    const path = at(readYaml('deploy/grafana/provisioning/dashboards/penstock.yaml'), 'providers', 0, 'options', 'path');
    expect(at(services, 'grafana', 'volumes')).toContain(`./grafana/dashboards:${String(path)}:ro`);
  });
});

/** Sign-in as values, whole enough for the schema of the configuration. */
const SIGN_IN = ['public_url=https://claude.example', 'session_keys[0]=${env:SESSION_KEY}', 'oidc.issuer=https://idp.example', 'oidc.client_id=penstock', 'oidc.client_secret=${env:CLIENT_SECRET}']
  .map((field) => `config.identity.sign_in.${field}`).join(',');

describe.skipIf(!HAS_HELM)(`the chart, with helm itself${HELM_NOTE}`, () => {
  test('passes a strict lint', () => {
    const { code, stdout } = helm('lint', '--strict', CHART, '-f', MANIFEST_VALUES, '--kube-version', '1.33.0');
    expect(code, stdout).toBe(0);
  });

  test('the plain manifests are what it renders', async () => {
    await expect(`# Rendered from deploy/helm/penstock with values.yaml beside this file; run vitest on test/release with --update after a change.\n${render()}`).toMatchFileSnapshot(join(ROOT, MANIFESTS));
  });

  test('follows the configuration: other ports, another drain, no key where none is needed', () => {
    const other = manifestsOf(render('config.server.port=8443', 'config.server.drain_timeout=30', 'config.anthropic_native.credentials=forward', 'config.openai_front_door.enabled=false', 'serviceMonitor.enabled=true'));
    const spec = at(other.get('Deployment'), 'spec', 'template', 'spec');
    expect(at(spec, 'containers', 0, 'ports', 0, 'containerPort')).toBe(8443);
    expect(at(spec, 'terminationGracePeriodSeconds')).toBe(40);
    expect(at(spec, 'containers', 0, 'env')).toBeUndefined();
    expect(at(other.get('ServiceMonitor'), 'spec', 'endpoints', 0, 'port')).toBe('operations');
    expect(loadText(String(at(other.get('ConfigMap'), 'data', 'gateway.json'))).server.port).toBe(8443);
  });

  test('takes persons in the place of clients: issuers need no store, sign-in one that a secret names', () => {
    const configOf = (text: string): unknown => JSON.parse(String(at(manifestsOf(text).get('ConfigMap'), 'data', 'gateway.json')));
    const issuer = ['name=idp', 'issuer=https://idp.example', 'audience[0]=penstock', 'require.team[0]=platform'].map((field) => `config.identity.issuers[0].${field}`);
    const issuers = configOf(render('config.clients=null', ...issuer));
    expect([at(issuers, 'identity', 'issuers', 0, 'name'), at(issuers, 'state')]).toEqual(['idp', undefined]);
    const signIn = render('config.clients=null', SIGN_IN, 'config.state.store=${env:PENSTOCK_STATE}', 'extraEnvFrom[0].secretRef.name=penstock-state', 'autoscaling.enabled=false', 'replicaCount=3');
    expect(at(configOf(signIn), 'state', 'store')).toBe('${env:PENSTOCK_STATE}');
    expect(at(manifestsOf(signIn).get('Deployment'), 'spec', 'replicas')).toBe(3);
    expect(at(manifestsOf(signIn).get('Deployment'), 'spec', 'template', 'spec', 'containers', 0, 'envFrom')).toEqual([{ secretRef: { name: 'penstock-state' } }]);
  });

  test('a changed configuration rolls the pods', () => {
    const checksum = (text: string): unknown => at(manifestsOf(text).get('Deployment'), 'spec', 'template', 'metadata', 'annotations', 'checksum/config');
    expect(checksum(render())).toMatch(/^[0-9a-f]{64}$/);
    expect(checksum(render('config.log.level=debug'))).not.toBe(checksum(render()));
  });

  test.each([
    ['no clients', 'config.clients=null', 'penstock keys create'],
    ['an API key in values', 'config.anthropic_native.api_key=sk-ant-api03-x', 'oes not match pattern'],
    ['a client secret in values', `${SIGN_IN},config.identity.sign_in.oidc.client_secret=plain-text`, 'oes not match pattern'],
    ['a password in a URL of values', 'config.limits.store=redis://:hunter2@redis:6379', '/config/limits/store'],
    ['a misspelt value', 'replicas=3', 'replicas'],
    ['a misspelt key of the configuration', 'config.server.prot=80', 'prot'],
    ['a misspelt key deep in the configuration', 'config.anthropic_native.pool.max_conections=10', 'max_conections'],
    ['a number that the gateway would refuse', 'config.anthropic_native.pool.max_connections=0', 'max_connections'],
    ['an ingress without a host', 'ingress.enabled=true', '/ingress'],
    ['a volume of the node', 'extraVolumes[0].name=host,extraVolumes[0].hostPath.path=/', '/extraVolumes/0'],
    ['a port that is none', 'config.operations.port=0', 'operations'],
    ['sign-in without a store that replicas share', SIGN_IN, 'config.state.store must be a postgres:// URL'],
    ['sign-in with a file as store', `${SIGN_IN},config.state.store=sqlite:/tmp/state.db`, 'config.state.store must be a postgres:// URL'],
    ['several replicas with a file as store', 'autoscaling.enabled=false,replicaCount=2,config.state.store=sqlite:/tmp/state.db', 'config.state.store must be a postgres:// URL'],
    ['budgets without a store that replicas share', 'config.budgets[0].amount_cents=100,config.budgets[0].scope.organization=true,config.budgets[0].share=pooled,config.budgets[0].period=daily', 'config.state.store must be a postgres:// URL'],
  ])('refuses %s and says why', (_what, value, words) => {
    expect(() => render(value)).toThrow(words);
  });
});
