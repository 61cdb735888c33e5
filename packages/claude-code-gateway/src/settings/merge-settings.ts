import type { SettingsDocument } from './managed-settings.ts';

/** Top-level lists whose entries forbid something: a policy adds to them and never takes away. */
const UNITED_LISTS: ReadonlySet<string> = new Set(['disabledMcpjsonServers', 'deniedMcpServers', 'blockedMarketplaces']);
/** Objects whose members are replaced one by one. */
const MERGED_OBJECTS: ReadonlySet<string> = new Set(['env', 'modelOverrides', 'skillOverrides']);
/** Members of `permissions` that forbid or ask. */
const UNITED_PERMISSIONS: ReadonlySet<string> = new Set(['deny', 'ask']);

/**
 * The settings of a policy laid over those of the base: what forbids is united, `env` and the overrides are merged by name, everything else is replaced.
 * `undefined` where neither has settings.
 */
export function mergeSettings(base: SettingsDocument | undefined, own: SettingsDocument | undefined): SettingsDocument | undefined {
  if (base === undefined || own === undefined) return own ?? base;
  return mergeMembers(base, own, (name, under, over) => {
    if (UNITED_LISTS.has(name)) return uniteLists(under, over);
    if (MERGED_OBJECTS.has(name)) return { ...readObject(under), ...readObject(over) };
    if (name === 'permissions') return mergeMembers(readObject(under), readObject(over), (member, one, other) => (UNITED_PERMISSIONS.has(member) ? uniteLists(one, other) : other));
    if (name === 'hooks') return mergeMembers(readObject(under), readObject(over), (_event, one, other) => uniteLists(one, other));
    return over;
  });
}

function mergeMembers(base: SettingsDocument, own: SettingsDocument, merge: (name: string, under: unknown, over: unknown) => unknown): SettingsDocument {
  return { ...base, ...Object.fromEntries(Object.entries(own).map(([name, over]) => [name, Object.hasOwn(base, name) ? merge(name, base[name], over) : over])) };
}

function uniteLists(under: unknown, over: unknown): unknown {
  if (!Array.isArray(under) || !Array.isArray(over)) return over;
  const seen = new Set<string>();
  return [...under as unknown[], ...over as unknown[]].filter((entry) => {
    const text = JSON.stringify(entry);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

function readObject(value: unknown): SettingsDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as SettingsDocument : {};
}
