import { invalidRequest, notFound } from '../http/api-error.ts';
import { bytesAnswer, jsonAnswer, type Answer } from '../http/answer.ts';
import { headerOf, type Exchange } from '../http/exchange.ts';
import { readMultipart, type FormPart } from '../http/multipart.ts';
import { zipArchive } from '../http/zip-archive.ts';
import { apiIdentifier } from '../seeded-random.ts';
import type { Simulation } from '../simulation.ts';
import { answerCursorPage } from './paging.ts';
import type { Route } from './route.ts';
import { readSkillFiles, renderSkill, renderVersion, type Skill, type SkillVersion } from './skill-store.ts';

/** `/v1/skills` and everything below it. */
export function skillRoutes(simulation: Simulation): readonly Route[] {
  const skills = new Map<string, Skill>();
  const withSkill = (answer: (exchange: Exchange, skill: Skill) => Answer) => (exchange: Exchange, id: string): Answer => {
    const skill = skills.get(id);
    return skill === undefined ? notFound(exchange.requestId, `Skill not found: ${id}`) : answer(exchange, skill);
  };
  const withVersion = (answer: (skill: Skill, version: SkillVersion) => Answer) => (exchange: Exchange, id: string, versionId: string): Answer => {
    const skill = skills.get(id);
    const version = skill?.versions.find((candidate) => candidate.id === versionId);
    return skill === undefined || version === undefined ? notFound(exchange.requestId, `Skill version not found: ${versionId}`) : answer(skill, version);
  };
  return [
    { method: 'POST', pattern: '/v1/skills', answer: (exchange) => createSkill(simulation, skills, exchange) },
    { method: 'GET', pattern: '/v1/skills', answer: (exchange) => listSkills([...skills.values()].toReversed(), exchange) },
    { method: 'GET', pattern: '/v1/skills/{id}', answer: withSkill((_exchange, skill) => jsonAnswer(renderSkill(skill))) },
    {
      method: 'DELETE', pattern: '/v1/skills/{id}', answer: withSkill((exchange, skill) => {
        if (skill.versions.length > 0) return invalidRequest(exchange.requestId, 'Cannot delete skill with existing versions. Delete all versions first.');
        skills.delete(skill.id);
        return jsonAnswer({ id: skill.id, type: 'skill_deleted' });
      }),
    },
    { method: 'POST', pattern: '/v1/skills/{id}/versions', answer: withSkill((exchange, skill) => createVersion(simulation, skill, exchange)) },
    {
      method: 'GET', pattern: '/v1/skills/{id}/versions',
      answer: withSkill((exchange, skill) => answerCursorPage(exchange, skill.versions.toReversed().map((version) => renderVersion(skill, version)))),
    },
    { method: 'GET', pattern: '/v1/skills/{id}/versions/{version}', answer: withVersion((skill, version) => jsonAnswer(renderVersion(skill, version))) },
    {
      method: 'DELETE', pattern: '/v1/skills/{id}/versions/{version}', answer: withVersion((skill, version) => {
        skill.versions = skill.versions.filter((candidate) => candidate !== version);
        return jsonAnswer({ id: version.id, type: 'skill_version_deleted' });
      }),
    },
    {
      method: 'GET', pattern: '/v1/skills/{id}/versions/{version}/content',
      answer: withVersion((_skill, version) => ({ ...bytesAnswer(zipArchive(version.files), 'application/zip'), isCompressible: false })),
    },
  ];
}

function createSkill(simulation: Simulation, skills: Map<string, Skill>, exchange: Exchange): Answer {
  const form = readForm(exchange);
  const version = versionOf(simulation, form);
  if (typeof version === 'string') return invalidRequest(exchange.requestId, version);
  const title = form?.find((part) => part.name === 'display_name' || part.name === 'display_title');
  const displayName = title === undefined ? version.name : Buffer.from(title.bytes).toString();
  const skill: Skill = { id: apiIdentifier('skill', simulation.random), displayName, createdAt: version.createdAt, versions: [version] };
  skills.set(skill.id, skill);
  return jsonAnswer(renderSkill(skill));
}

function createVersion(simulation: Simulation, skill: Skill, exchange: Exchange): Answer {
  const version = versionOf(simulation, readForm(exchange));
  if (typeof version === 'string') return invalidRequest(exchange.requestId, version);
  skill.versions = [...skill.versions, version];
  return jsonAnswer(renderVersion(skill, version));
}

function listSkills(skills: readonly Skill[], exchange: Exchange): Answer {
  const source = exchange.query.get('source');
  return answerCursorPage(exchange, source === null || source === 'custom' ? skills.map(renderSkill) : []);
}

function readForm(exchange: Exchange): readonly FormPart[] | undefined {
  return readMultipart(exchange.body, headerOf(exchange, 'content-type'));
}

function versionOf(simulation: Simulation, form: readonly FormPart[] | undefined): SkillVersion | string {
  if (form === undefined) return 'The request body is not a valid multipart/form-data body';
  const read = readSkillFiles(form);
  return typeof read === 'string' ? read : { ...read, id: apiIdentifier('skillver', simulation.random), createdAt: simulation.options.clock.now() };
}
