import { expect, test } from 'vitest';
import { readPage } from './documented-tests.ts';
import { allPages, anchorsOf, internalLinks, problemOfLink } from './page-links.ts';

const pages = allPages();

test('every page is looked at: those at the top, the guides, and the readmes of packages, apps and deployment', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/README.md', 'docs/guides/n8n.md', 'docs/api/gateway.md', 'packages/sse-relay/README.md', 'apps/gateway/README.md', 'deploy/grafana/README.md']));
});

test.each(pages)('every link of %s within the repository leads to a file, and to a heading of it', (page) => {
  expect(internalLinks(readPage(page)).map((target) => problemOfLink(page, target)).filter((problem) => problem !== undefined)).toEqual([]);
});

test('a link to nothing is found, whichever way it is written, and one that is only shown is not taken for one', () => {
  const text = 'See [a](no-such.md), ![b](no-such.png "title"), [c](operations.md#no-such-heading) and [d][d].\n\n[d]: no-such-either.md\n\nNot `[e](code.md)`.\n\n```md\n[f](fenced.md)\n```\n\nNor [g](https://example.org/x).\n';
  const links = internalLinks(text);
  expect(links).toEqual(['no-such.md', 'no-such.png', 'operations.md#no-such-heading', 'no-such-either.md']);
  expect(links.map((target) => problemOfLink('docs/README.md', target)).filter((problem) => problem === undefined)).toEqual([]);
  expect(problemOfLink('docs/README.md', 'operations.md#rolling-restart')).toBeUndefined();
});

test('anchors are those of the forge: marks vanish, repeats are numbered', () => {
  expect([...anchorsOf("# The API's `keys create`, twice\n\n## Again\n\n## Again\n")]).toEqual(['the-apis-keys-create-twice', 'again', 'again-1']);
});
