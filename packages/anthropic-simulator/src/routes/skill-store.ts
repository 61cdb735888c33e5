import { bodyTimestamp } from '../clock.ts';
import type { FormPart } from '../http/multipart.ts';
import type { ArchiveEntry } from '../http/zip-archive.ts';
import type { JsonObject } from '../json.ts';

/** One version of a skill. */
export interface SkillVersion {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly files: readonly ArchiveEntry[];
  readonly createdAt: number;
}

/** A skill and its versions, oldest first. */
export interface Skill {
  readonly id: string;
  readonly displayName: string;
  readonly createdAt: number;
  versions: readonly SkillVersion[];
}

/** The skill as the API shows it. */
export function renderSkill(skill: Skill): JsonObject {
  const latest = skill.versions.at(-1);
  return {
    id: skill.id, type: 'skill', display_name: skill.displayName, source: { type: 'custom' }, latest_version_id: latest?.id ?? null,
    created_at: bodyTimestamp(skill.createdAt), updated_at: bodyTimestamp(latest?.createdAt ?? skill.createdAt),
  };
}

/** A version as the API shows it. */
export function renderVersion(skill: Skill, version: SkillVersion): JsonObject {
  return {
    id: version.id, type: 'skill_version', skill_id: skill.id, name: version.name, description: version.description,
    created_at: bodyTimestamp(version.createdAt),
  };
}

/** What an upload of skill files says, or why it is refused: one folder with a SKILL.md whose front matter names the skill. */
export function readSkillFiles(parts: readonly FormPart[]): Pick<SkillVersion, 'name' | 'description' | 'files'> | string {
  const files = parts.filter((part) => part.name === 'files[]' || part.name === 'files').map((part) => ({ path: part.filename ?? '', bytes: part.bytes }));
  if (files.length === 0) return 'files: Field required';
  const folders = new Set(files.map((file) => file.path.split('/')[0]));
  if (folders.size !== 1 || files.some((file) => !file.path.includes('/') || /(?:^|\/)\.{1,2}(?:\/|$)/.test(file.path))) {
    return 'files: all files must be in the same top-level folder';
  }
  const index = files.find((file) => /^[^/]+\/SKILL\.md$/.test(file.path));
  if (index === undefined) return 'files: SKILL.md must be exactly in the top-level folder';
  const text = Buffer.from(index.bytes).toString();
  const frontMatter = /^---\r?\n(.*?)\r?\n---/s.exec(text)?.[1] ?? '';
  const name = /^name:\s*(.+?)\s*$/m.exec(frontMatter)?.[1];
  const description = /^description:\s*(.+?)\s*$/m.exec(frontMatter)?.[1];
  if (name === undefined || description === undefined) return 'files: SKILL.md must begin with front matter that has a name and a description';
  return { name, description, files: files.map((file) => ({ path: file.path, bytes: Buffer.from(file.bytes) })) };
}
