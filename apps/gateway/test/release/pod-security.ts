import { at } from '../../src/demo/ask.ts';

/** Kinds of volumes that the restricted level allows. */
const VOLUMES: ReadonlySet<string> = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);

/**
 * What in a pod breaks the level *restricted* of the Pod Security Standards
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted), one line for each control; empty where nothing does.
 */
export function podSecurityProblems(pod: unknown): readonly string[] {
  const spec = at(pod, 'kind') === 'Pod' ? at(pod, 'spec') : at(pod, 'spec', 'template', 'spec');
  const list = (...path: readonly string[]): readonly unknown[] => (at(spec, ...path) as readonly unknown[] | undefined) ?? [];
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((name) => list(name));
  const ofPod = (name: string): unknown => at(spec, 'securityContext', name);
  const each = (name: string, isAllowed: (container: unknown) => boolean): string[] => (containers.every(isAllowed) ? [] : [name]);
  /** The container's own value, else that of its pod. */
  const effective = (container: unknown, name: string): unknown => at(container, 'securityContext', name) ?? ofPod(name);
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((name) => at(spec, name) === true),
    ...(list('volumes').every((volume) => Object.keys(volume as object).every((key) => key === 'name' || VOLUMES.has(key))) ? [] : ['volumes']),
    ...(((ofPod('sysctls') as readonly unknown[] | undefined) ?? []).length === 0 ? [] : ['sysctls']),
    ...(containers.length > 0 ? [] : ['no container']),
    ...each('privileged', (container) => at(container, 'securityContext', 'privileged') !== true),
    ...each('procMount', (container) => [undefined, 'Default'].includes(at(container, 'securityContext', 'procMount') as string | undefined)),
    ...each('hostPort', (container) => ((at(container, 'ports') as readonly unknown[] | undefined) ?? []).every((port) => at(port, 'hostPort') === undefined)),
    ...each('allowPrivilegeEscalation', (container) => at(container, 'securityContext', 'allowPrivilegeEscalation') === false),
    ...each('runAsNonRoot', (container) => effective(container, 'runAsNonRoot') === true),
    ...each('runAsUser', (container) => effective(container, 'runAsUser') !== 0),
    ...each('seccompProfile', (container) => ['RuntimeDefault', 'Localhost'].includes(String(at(effective(container, 'seccompProfile'), 'type')))),
    ...each('capabilities', (container) => {
      const capabilities = at(container, 'securityContext', 'capabilities');
      const added = (at(capabilities, 'add') as readonly string[] | undefined) ?? [];
      return ((at(capabilities, 'drop') as readonly string[] | undefined) ?? []).includes('ALL') && added.every((name) => name === 'NET_BIND_SERVICE');
    }),
  ];
}
