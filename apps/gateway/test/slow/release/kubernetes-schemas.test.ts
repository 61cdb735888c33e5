import { afterAll, describe, expect, test } from 'vitest';
import { KUBERNETES_VERSION, ROOT } from '../../release/deployment.ts';
import { createPythonEnvironment } from './python-environment.ts';
import { mustRun } from './workspace.ts';

// The schemas are inside the package: nothing is fetched when they are used.
const environment = createPythonEnvironment('kubernetes-validate==1.37.0');
const note = environment.missing === undefined ? '' : ` (skipped: ${environment.missing})`;
afterAll(() => environment.remove());

const PROGRAM = `
import sys, yaml, kubernetes_validate
for document in yaml.safe_load_all(open(sys.argv[1])):
    if document is None:
        continue
    if len(sys.argv) > 3:
        document["spec"]["replica"] = 3
    kubernetes_validate.validate(document, sys.argv[2], strict=True)
    print(document["kind"])
`;

describe.skipIf(environment.missing !== undefined)(`the manifests, against the schemas of Kubernetes${note}`, () => {
  const manifests = `${ROOT}/deploy/kubernetes/penstock.yaml`;

  test.each([KUBERNETES_VERSION, '1.37'])('are strictly valid for %s', (version) => {
    const kinds = mustRun(environment.python, ['-c', PROGRAM, manifests, version]).trim().split('\n');
    expect(kinds.toSorted()).toEqual(['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount']);
  });

  test('would be refused with a field that does not exist', () => {
    expect(() => mustRun(environment.python, ['-c', PROGRAM, manifests, KUBERNETES_VERSION, 'broken'])).toThrow(/replica/);
  });
});
