import { expect, test } from 'vitest';
import { dialectMarks, marksByFile, readFiles } from './plain-words.ts';

/** Marks in the whole repository. It only goes down; the aim is 60, where what is left are proper uses of these words. */
const BOUND = 21;

test(`plain words: documents, comments, log values and test names have at most ${BOUND} marks of the old dialect`, () => {
  const files = marksByFile();
  const total = files.reduce((sum, { marks }) => sum + marks, 0);
  expect(total, files.slice(0, 20).map(({ file, marks }) => `${marks} ${file}`).join('\n')).toBeLessThanOrEqual(BOUND);
});

test('plain words: the check reads documents, sources, tests, scripts and deployment files, and nothing generated', () => {
  const files = readFiles();
  expect(files).toEqual(expect.arrayContaining([
    'README.md', 'docs/operations.md', 'packages/sse-relay/README.md', 'packages/sse-relay/src/index.ts', 'apps/gateway/src/main.ts',
    'apps/gateway/test/topology.test.ts', 'scripts/build-app.mjs', 'deploy/try-image.sh', '.changeset/gateway.md',
  ]));
  expect(files.filter((file) => /^THIRD-PARTY|^docs\/api\/|(?:^|\/)(?:node_modules|dist)\//.test(file))).toEqual([]);
});

test.each([
  ['Whoever listens is told of it, aloud.', ['Whoever', 'told of', 'aloud']],
  [' * It lets\n * go of the socket by a\n * hair.', ['lets go of', 'by a hair']],
  ['// Nobody tells\n  // of it honestly', ['Nobody', 'tells of', 'honestly']],
  ['Let go, tell often, a loud word, a body, an offer.', []],
])('plain words: the marks of %j are %j (also across the end of a line)', (text, marks) => {
  expect(dialectMarks(text)).toEqual(marks);
});
