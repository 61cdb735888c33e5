// Imported for its effect, as the first line of an entry that an old Node cannot load: `import '@penstock/option-names/supported-node';`.
// The modules behind that entry must link on an old Node, since no module is evaluated before all are linked. They take what an old Node lacks
// from the default export of a built-in module: `zlib.createZstdDecompress`, not `import { createZstdDecompress }`.

/** The oldest Node that undici 8 supports. It has all built-in functions that the packages use: the newest is `tls.getCACertificates`, of 22.15. */
const OLDEST = [22, 19] as const;
/** The versions that the packages are tested with, as `engines` of their manifests states them. */
const SUPPORTED = '^22.22.2 || ^24.14.1 || >=26';

/**
 * Why the packages cannot be loaded by a version of Node, with the versions that they support; `undefined` for one that loads them. A version that
 * loads them and is not supported is not refused: npm warns of it.
 */
export function whyNodeIsTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.', 2).map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `This package of @penstock needs Node ${SUPPORTED}, and this is Node ${version}.`;
}

const problem = whyNodeIsTooOld(process.versions.node);
if (problem !== undefined) throw Object.assign(new Error(problem), { code: 'unsupported_node' });
