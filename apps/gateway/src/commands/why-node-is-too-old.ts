/** The oldest Node that can run the gateway; the manifest's `engines` lists the supported ones. */
const OLDEST = [22, 22, 2] as const;

/** What to do about a Node that is too old to run the gateway at all; `undefined` when it is not. */
export function whyNodeIsTooOld(version: string): string | undefined {
  const parts = version.split('.', 3).map(Number);
  const index = OLDEST.findIndex((oldest, place) => parts[place] !== oldest);
  if (index === -1 || (parts[index] ?? 0) > (OLDEST[index] ?? 0)) return undefined;
  return `penstock needs Node ${OLDEST.join('.')} or newer, this is ${version}. In a checkout, "npx -y pnpm@12 penstock" runs it with the Node that the project brings.`;
}
