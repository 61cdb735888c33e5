import { BlockList } from 'node:net';

/**
 * Addresses at which no issuer, provider or collector stands, but where a cloud gives its machine credentials or reaches it from below: link-local
 * ones (RFC 3927, RFC 4291), the metadata services of clouds, and what is no single machine. Private networks are where providers live. A list reads
 * IPv4-mapped IPv6 addresses as the IPv4 addresses they are.
 */
export const FORBIDDEN_NETWORKS: BlockList = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3],
  // Alibaba Cloud, Azure's wire server, Oracle Cloud.
  ['100.100.100.200', 32], ['168.63.129.16', 32], ['192.0.0.192', 32],
] as const) FORBIDDEN_NETWORKS.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128], ['fe80::', 10], ['ff00::', 8],
  // AWS, Google Cloud; link-local addresses behind NAT64 (RFC 6052) and 6to4 (RFC 3056).
  ['fd00:ec2::254', 128], ['fd20:ce::254', 128], ['64:ff9b::a9fe:0', 112], ['2002:a9fe::', 32],
] as const) FORBIDDEN_NETWORKS.addSubnet(network, prefix, 'ipv6');

/** This machine: `127.0.0.0/8` and `::1`. */
export const LOOPBACK_NETWORKS: BlockList = new BlockList();
LOOPBACK_NETWORKS.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK_NETWORKS.addAddress('::1', 'ipv6');
