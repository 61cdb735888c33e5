import { must, removeForgottenHosts, runCommand, whyNoHosts } from './namespaces.ts';

/** Hosts on one switch, which this process reaches as well: each can reach every other. */
export interface SwitchedHosts {
  /** The network namespace of a host, for `ip netns exec`. */
  space(name: string): string;
  /** The address of a host. */
  address(name: string): string;
  remove(): void;
}

const NETWORK = '10.214.1';

/** Why hosts on a switch cannot be made here; `undefined` when they can. */
export function whyNoSwitchedHosts(): string | undefined {
  const missing = whyNoHosts();
  if (missing !== undefined) return missing;
  const space = `penstock-probe-switch-${process.pid}`;
  must(`ip netns add ${space}`);
  const switched = runCommand(`ip netns exec ${space} ip link add lan type bridge`);
  runCommand(`ip netns del ${space}`);
  return switched.ok ? undefined : switched.error;
}

/** Makes one host for each name, numbered from 11 on, and a switch between them. All of it is gone after `remove`. */
export function makeSwitchedHosts(names: readonly string[]): SwitchedHosts {
  const id = process.pid % 100_000;
  const spaceOf = (name: string): string => `penstock-${name}-${id}`;
  const addressOf = (name: string): string => `${NETWORK}.${11 + names.indexOf(name)}`;
  const bridge = spaceOf('switch');
  const plug = `ps${id}`;
  // A device goes with the namespace it lives in, and its peer with it.
  const remove = (): void => {
    for (const space of [...names.map(spaceOf), bridge]) runCommand(`ip netns del ${space}`);
    runCommand(`ip link del ${plug}`);
  };
  const inSpace = (space: string, command: string): void => must(`ip netns exec ${space} ${command}`);
  removeForgottenHosts();
  try {
    must(`ip netns add ${bridge}`);
    inSpace(bridge, 'ip link add lan type bridge');
    inSpace(bridge, 'ip link set lan up');
    for (const [port, name] of names.entries()) {
      const space = spaceOf(name);
      must(`ip netns add ${space}`);
      must(`ip link add port${port} netns ${bridge} type veth peer name eth netns ${space}`);
      inSpace(bridge, `ip link set port${port} master lan up`);
      inSpace(space, `ip addr add ${addressOf(name)}/24 dev eth`);
      inSpace(space, 'ip link set lo up');
      inSpace(space, 'ip link set eth up');
    }
    must(`ip link add ${plug} type veth peer name client netns ${bridge}`);
    inSpace(bridge, 'ip link set client master lan up');
    must(`ip addr add ${NETWORK}.1/24 dev ${plug}`);
    must(`ip link set ${plug} up`);
  } catch (error) {
    remove();
    throw error;
  }
  return { space: spaceOf, address: addressOf, remove };
}
