import { readRepositoryFile } from './panel-queries.ts';

/** The matchers of one list, such as `['alertname=~"A|B"', 'alertname!="C"']`, as one predicate on the name of an alert. */
function matcherOf(list: string): (name: string) => boolean {
  const tests = Array.from(list.matchAll(/alertname(=~|!=|=)"([^"]*)"/g), ([, operator, value = '']) => (name: string): boolean => {
    if (operator === '=~') return new RegExp(`^(?:${value})$`).test(name);
    return (name === value) === (operator === '=');
  });
  return (name) => tests.length > 0 && tests.every((test) => test(name));
}

/** The alerts of one gateway that notify while all of them fire, by the inhibitions that are shipped. */
export function notified(firing: readonly string[]): string[] {
  const rules = readRepositoryFile('deploy/prometheus/alertmanager.yml').split('  - source_matchers:').slice(1).map((text) => {
    const [source = '', target = ''] = text.split(/target_matchers:|equal:/);
    return { source: matcherOf(source), target: matcherOf(target) };
  });
  return firing.filter((name) => !rules.some(({ source, target }) => target(name) && firing.some(source)));
}
