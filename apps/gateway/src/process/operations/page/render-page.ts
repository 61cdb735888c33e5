import { formatSpan, formatTime } from '../../../observe/status/format-values.ts';
import type { Status, StatusFinding } from '../../../observe/status/status.ts';
import type { StatusQuery } from '../../../observe/status/status-query.ts';
import { html, type Html } from './html.ts';
import { renderOpenRows, renderOpenSection, renderOpenSummary } from './open-section.ts';
import { renderActivity, renderClients, renderConfig, renderDrain, renderFailures } from './recent-sections.ts';
import { renderQuotas, renderUpstreams } from './upstream-sections.ts';

/** The parts of the page that its events replace, by the `id` of their element. */
export const LIVE_PARTS: Readonly<Record<string, (status: Status) => Html>> = {
  verdict: renderVerdict,
  findings: renderFindings,
  drain: renderDrain,
  upstreams: renderUpstreams,
  'open-summary': renderOpenSummary,
  'open-rows': renderOpenRows,
  quotas: renderQuotas,
  activity: renderActivity,
  failures: renderFailures,
  clients: renderClients,
  config: renderConfig,
};

/** What the page may load and do: nothing but its own style, script and events. */
export const PAGE_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** The whole page; without a script it is a snapshot whose links and form ask for another one. */
export function renderPage(status: Status, query: StatusQuery): string {
  const { gateway, generated_at: generatedAt } = status;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Penstock</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><script defer src="/page.js"></script></head>
<body><header><h1>Penstock</h1><p id="live" class="live">Snapshot of <time datetime="${generatedAt}">${formatTime(Date.parse(generatedAt), Date.parse(generatedAt))}</time>, up for ${formatSpan((Date.parse(generatedAt) - Date.parse(gateway.started_at)) / 1_000)}. <a href="">Reload</a></p>
<p class="controls"><button type="button" id="pause" hidden>Pause</button> <a href="/status.json">status.json</a> <a href="/metrics">metrics</a> <a href="/readyz">readyz</a></p></header>
<main><section class="verdict" aria-label="Verdict"><div id="verdict" role="status">${renderVerdict(status)}</div><div id="findings">${renderFindings(status)}</div><div id="drain">${renderDrain(status)}</div></section>
<section aria-labelledby="upstreams-title"><h2 id="upstreams-title">Connections</h2><div id="upstreams">${renderUpstreams(status)}</div></section>
${renderOpenSection(status, query)}
<section aria-labelledby="activity-title"><h2 id="activity-title">Last 15 minutes</h2><div id="activity">${renderActivity(status)}</div></section>
<section aria-labelledby="quotas-title"><h2 id="quotas-title">Quotas of the API</h2><div id="quotas">${renderQuotas(status)}</div></section>
${renderTable('failures', 'Last failures', ['Last', 'Times', 'Fault', 'Outcome: code', 'Status', 'Client', 'Model', 'Latest request id'], renderFailures(status))}
${renderTable('clients', 'Clients of the last hour', ['Client', 'Open', 'Requests', 'Failures', 'Refusals', 'Input tokens', 'Output tokens', 'Cost', 'Last'], renderClients(status))}
<section aria-labelledby="config-title"><h2 id="config-title">Gateway and configuration</h2><div id="config">${renderConfig(status)}</div></section>
</main></body></html>
`.text;
}

const NUMBERS: ReadonlySet<string> = new Set(['Last', 'Times', 'Status', 'Open', 'Requests', 'Failures', 'Refusals', 'Input tokens', 'Output tokens', 'Cost']);

function renderTable(id: string, title: string, columns: readonly string[], rows: Html): Html {
  return html`<section aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2><div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title"><table><thead><tr>${columns.map((column) =>
    html`<th scope="col"${NUMBERS.has(column) && html` class="number"`}>${column}</th>`)}</tr></thead><tbody id="${id}">${rows}</tbody></table></div></section>`;
}

function renderVerdict({ verdict }: Status): Html {
  return html`<p class="sentence ${verdict.severity}">${verdict.text}</p>`;
}

/** Everything that is wrong beside the verdict. */
function renderFindings({ findings }: Status): Html {
  const others = findings.slice(1);
  return others.length === 0 ? html`` : html`<ul>${others.map(({ severity, text }: StatusFinding) => html`<li class="${severity}">${text}</li>`)}</ul>`;
}
