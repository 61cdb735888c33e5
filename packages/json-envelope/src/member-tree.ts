import type { MemberPath } from './member-path.ts';

/** A chosen name, and what is read of the member that has it. */
export interface MemberNode {
  readonly name: string;
  /** How a repeated occurrence of this member is reported. */
  readonly label: string;
  readonly valuePath: string | undefined;
  readonly elementPath: string | undefined;
  readonly elementMembers: readonly MemberNode[];
  readonly objectMembers: readonly MemberNode[];
}

/** Turns the chosen paths into the names to look for, grouped by the member they share. */
export function buildMemberTree(paths: readonly MemberPath[]): readonly MemberNode[] {
  const names = [...new Set(paths.map(({ name }) => name))];
  return names.map((name) => {
    const own = paths.filter((path) => path.name === name);
    return {
      name,
      label: name,
      valuePath: own.find(({ of }) => of === 'value')?.path,
      elementPath: own.find(({ of }) => of === 'element')?.path,
      elementMembers: own.filter(({ of }) => of === 'element_member').map(innerMember),
      objectMembers: own.filter(({ of }) => of === 'object_member').map(innerMember),
    };
  });
}

function innerMember({ path, innerName }: MemberPath): MemberNode {
  return { name: innerName ?? '', label: path, valuePath: path, elementPath: undefined, elementMembers: [], objectMembers: [] };
}
