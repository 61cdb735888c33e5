import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { describe, expect, test } from 'vitest';
import { at } from '../../src/demo/ask.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { CHART, HAS_HELM, HELM_NOTE, loadText, manifestsOf, render, renderTests, ROOT, type Manifest } from './deployment.ts';
import { podSecurityProblems } from './pod-security.ts';

const documentsOf = (text: string): readonly Manifest[] => parseAllDocuments(text).map((document) => document.toJS() as Manifest | null).filter((document) => document !== null);
const plain = documentsOf(readFileSync(join(ROOT, 'deploy/kubernetes/penstock.yaml'), 'utf8'));
const deployment = (): Record<string, unknown> => structuredClone(plain.find(({ kind }) => kind === 'Deployment')) ?? {};
const podOf = (document: unknown): Record<string, unknown> => at(document, 'spec', 'template', 'spec') as Record<string, unknown>;

describe('restricted Pod Security', () => {
  test('holds for the plain manifests', () => {
    expect(podSecurityProblems(deployment())).toEqual([]);
  });

  test.each<[string, (pod: Record<string, unknown>, container: Record<string, unknown>) => void]>([
    ['hostNetwork', (pod) => { pod['hostNetwork'] = true; }],
    ['volumes', (pod) => { pod['volumes'] = [{ name: 'host', hostPath: { path: '/' } }]; }],
    ['runAsNonRoot', (pod) => { delete (pod['securityContext'] as Record<string, unknown>)['runAsNonRoot']; }],
    ['runAsUser', (pod) => { (pod['securityContext'] as Record<string, unknown>)['runAsUser'] = 0; }],
    ['seccompProfile', (pod) => { (pod['securityContext'] as Record<string, unknown>)['seccompProfile'] = { type: 'Unconfined' }; }],
    ['allowPrivilegeEscalation', (_pod, container) => { delete (container['securityContext'] as Record<string, unknown>)['allowPrivilegeEscalation']; }],
    ['capabilities', (_pod, container) => { (container['securityContext'] as Record<string, unknown>)['capabilities'] = { drop: ['ALL'], add: ['SYS_ADMIN'] }; }],
    ['privileged', (_pod, container) => { (container['securityContext'] as Record<string, unknown>)['privileged'] = true; }],
    ['hostPort', (_pod, container) => { container['ports'] = [{ containerPort: 8000, hostPort: 8000 }]; }],
  ])('would be broken by %s, and the check sees it', (name, breakPod) => {
    const document = deployment();
    const pod = podOf(document);
    breakPod(pod, (pod['containers'] as Record<string, unknown>[])[0] ?? {});
    expect(podSecurityProblems(document)).toEqual([name]);
  });
});

test('each rule and each dashboard of the repository is part of the chart, as a link to the one file', () => {
  const names = (folder: string, pattern: RegExp): string[] => readdirSync(join(ROOT, folder)).filter((name) => pattern.test(name)).toSorted();
  for (const [kept, linked, pattern] of [['deploy/prometheus', 'rules', /\.rules\.yml$/], ['deploy/grafana/dashboards', 'dashboards', /\.json$/]] as const) {
    expect(readdirSync(join(CHART, 'files', linked)).toSorted()).toEqual(names(kept, pattern));
    for (const name of names(kept, pattern)) expect(readFileSync(join(CHART, 'files', linked, name), 'utf8')).toBe(readFileSync(join(ROOT, kept, name), 'utf8'));
  }
});

describe.skipIf(!HAS_HELM)(`the chart, with options${HELM_NOTE}`, () => {
  test('holds restricted Pod Security with files and variables of the operator\'s, and in the pod of its test', () => {
    const rendered = render('extraVolumes[0].name=tls', 'extraVolumes[0].secret.secretName=gateway-tls', 'extraVolumeMounts[0].name=tls', 'extraVolumeMounts[0].mountPath=/tls', 'extraEnv[0].name=A', 'extraEnv[0].value=b');
    const pod = podOf(manifestsOf(rendered).get('Deployment'));
    expect(podSecurityProblems(manifestsOf(rendered).get('Deployment'))).toEqual([]);
    expect(at(pod, 'volumes', 1)).toEqual({ name: 'tls', secret: { secretName: 'gateway-tls' } });
    expect(at(pod, 'containers', 0, 'volumeMounts', 1)).toEqual({ name: 'tls', mountPath: '/tls' });
    expect((at(pod, 'containers', 0, 'env') as { name: string }[]).map(({ name }) => name)).toEqual(['ANTHROPIC_API_KEY', 'A']);
    const [asking] = documentsOf(renderTests());
    expect(podSecurityProblems(asking)).toEqual([]);
  });

  test('gives every object the name of fullnameOverride, and the configuration the names under which it is reached', () => {
    const documents = documentsOf(render('fullnameOverride=llm', 'ingress.enabled=true', 'ingress.hosts[0].host=gateway.example', 'ingress.className=nginx', 'ingress.tls[0].secretName=gateway-tls', 'image.digest=sha256:' + 'a'.repeat(64)));
    expect(new Set(documents.map((document) => at(document, 'metadata', 'name')))).toEqual(new Set(['llm']));
    const of = (kind: string): Manifest | undefined => documents.find((document) => document.kind === kind);
    const { server } = loadText(String(at(of('ConfigMap'), 'data', 'gateway.json')));
    expect(server.allowed_hosts).toEqual(['llm', 'llm.default', 'llm.default.svc', 'llm.default.svc.cluster.local', 'gateway.example']);
    expect(at(of('Ingress'), 'spec', 'rules', 0)).toEqual({ host: 'gateway.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'llm', port: { name: 'http' } } } }] } });
    expect([at(of('Ingress'), 'spec', 'ingressClassName'), at(of('Ingress'), 'spec', 'tls')]).toEqual(['nginx', [{ secretName: 'gateway-tls' }]]);
    expect(at(podOf(of('Deployment')), 'containers', 0, 'image')).toBe(`penstock/gateway@sha256:${'a'.repeat(64)}`);
  });

  test('brings the rules to the Prometheus operator and the dashboards to the sidecar of Grafana, as the files have them', () => {
    const documents = documentsOf(render('prometheusRule.enabled=true', 'prometheusRule.labels.release=prometheus', 'dashboards.enabled=true'));
    const rules = documents.filter(({ kind }) => kind === 'PrometheusRule');
    expect(rules.map((rule) => [at(rule, 'metadata', 'name'), at(rule, 'metadata', 'labels', 'release')])).toEqual([['penstock-alerts', 'prometheus'], ['penstock-recording', 'prometheus']]);
    for (const [index, name] of ['penstock-alerts', 'penstock-recording'].entries()) {
      expect(at(rules[index], 'spec')).toEqual(parse(readFileSync(join(ROOT, `deploy/prometheus/${name}.rules.yml`), 'utf8')));
    }
    const dashboards = documents.filter((document) => at(document, 'metadata', 'labels', 'grafana_dashboard') === '1');
    const held = Object.assign({}, ...dashboards.map((document) => at(document, 'data') as object)) as Record<string, string>;
    const files = readdirSync(join(ROOT, 'deploy/grafana/dashboards'));
    expect(Object.keys(held).toSorted()).toEqual(files.map((name) => `penstock-${name}`).toSorted());
    for (const name of files) expect(JSON.parse(held[`penstock-${name}`] ?? '')).toEqual(JSON.parse(readFileSync(join(ROOT, 'deploy/grafana/dashboards', name), 'utf8')));
  });

  test('helm test asks the gateway through its Service: 0 when it answers, 1 when it does not', async () => {
    const [asking] = documentsOf(renderTests('fullnameOverride=llm', 'service.port=8080'));
    expect(at(asking, 'metadata', 'annotations', 'helm.sh/hook')).toBe('test');
    const selector = at(manifestsOf(render('fullnameOverride=llm')).get('Service'), 'spec', 'selector', 'app.kubernetes.io/name');
    expect(at(asking, 'metadata', 'labels', 'app.kubernetes.io/name')).not.toBe(selector);
    const container = at(asking, 'spec', 'containers', 0);
    expect(at(container, 'env')).toEqual([{ name: 'GATEWAY', value: 'http://llm.default.svc:8080' }]);
    const [, ...flags] = at(container, 'command') as string[];
    const ask = async (origin: string): Promise<unknown> => (await once(spawn(process.execPath, [...flags, ...at(container, 'args') as string[]], { env: { GATEWAY: origin }, stdio: 'ignore' }), 'close'))[0];
    const gateway = await startTestGateway('http://127.0.0.1:9');
    expect(await ask(gateway.origin)).toBe(0);
    await gateway[Symbol.asyncDispose]();
    expect(await ask(gateway.origin)).toBe(1);
  });
});
