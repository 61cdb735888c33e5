/** An alert by its labels, `alertname` among them. */
export type AlertLabels = Readonly<Record<string, string>>;

/** One of Alertmanager's inhibition rules: while an alert that `isSource` fires, those that `isTarget` with the same `equal` labels do not notify. */
export interface InhibitionRule {
  readonly isSource: (alert: AlertLabels) => boolean;
  readonly isTarget: (alert: AlertLabels) => boolean;
  /** The labels that must be equal in both; one that both lack is equal (https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule). */
  readonly equal: readonly string[];
}

const RULE = /^ {2}- source_matchers: \[(.*)\]\n {4}target_matchers: \[(.*)\]\n {4}equal: \[(.*)\]$/gm;
const MATCHER = /'(\w+)(=~|!~|!=|=)"([^"]*)"'/g;

/** Reads the rules of a configuration whose rules have the three members above, in this order, each on its line. Throws where one has another form. */
export function readInhibitions(configuration: string): readonly InhibitionRule[] {
  const text = configuration.slice(configuration.indexOf('inhibit_rules:'));
  const rules = Array.from(text.matchAll(RULE), ([, source = '', target = '', equal = '']): InhibitionRule => (
    { isSource: matcherOf(source), isTarget: matcherOf(target), equal: equal.split(',').map((name) => name.trim()) }
  ));
  if (rules.length === 0 || 2 * rules.length !== (text.match(/_matchers:/g) ?? []).length) throw new Error('an inhibition rule has a form that is not known');
  return rules;
}

/** The alerts that notify while all of them fire. A suppressed alert suppresses others, and one that is source and target of a rule not itself, as in Alertmanager. */
export function notifying<Alert extends AlertLabels>(rules: readonly InhibitionRule[], firing: readonly Alert[]): Alert[] {
  return firing.filter((alert) => !rules.some((rule) => rule.isTarget(alert) && firing.some((source) => suppresses(rule, source, alert))));
}

function suppresses({ isSource, isTarget, equal }: InhibitionRule, source: AlertLabels, target: AlertLabels): boolean {
  if (!isSource(source) || (isSource(target) && isTarget(source))) return false;
  return equal.every((name) => (source[name] ?? '') === (target[name] ?? ''));
}

/** All matchers of a list, such as `'alertname=~"A|B"', 'upstream!="native"'`, as one predicate. A label that is absent is the empty text. */
function matcherOf(list: string): (alert: AlertLabels) => boolean {
  const tests = Array.from(list.matchAll(MATCHER), ([, label = '', operator = '', value = '']) => {
    const pattern = new RegExp(`^(?:${value})$`);
    return (alert: AlertLabels): boolean => {
      const text = alert[label] ?? '';
      return (operator.endsWith('~') ? pattern.test(text) : text === value) !== operator.startsWith('!');
    };
  });
  if (tests.length === 0 || list.replaceAll(MATCHER, '').replaceAll(/[ ,]/g, '') !== '') throw new Error(`matchers of a form that is not known: ${list}`);
  return (alert) => tests.every((test) => test(alert));
}
