import { wordDollars } from '../../../cost/dollars.ts';
import { countOf, formatCount, formatSpan, formatTime } from '../../../observe/status/format-values.ts';
import type { Status, StatusClient, StatusFailure } from '../../../observe/status/status.ts';
import { ACTIVITY_SERIES, type ActivitySeries } from '../../../observe/status/status-part.ts';
import { drawSparkline } from './drawings.ts';
import { html, type Html } from './html.ts';

/** The title of each sparkline. `unauthenticated` is a part of the failures and has none of its own unless there are some. */
const SPARKLINES: Readonly<Record<ActivitySeries, string>> = {
  requests: 'Requests ended', failures: 'Failures', refusals: 'Refusals by a limit', unauthenticated: 'Unknown keys', open: 'Open requests', waiting: 'Waiting for a connection',
};

/** The last 15 minutes. */
export function renderActivity({ activity }: Status): Html {
  return html`<ul class="cards">${ACTIVITY_SERIES.map((series) => {
    const values = activity[series];
    const isLevel = series === 'open' || series === 'waiting';
    const numbers = isLevel
      ? `${formatCount(values.at(-1) ?? 0)} now, at most ${formatCount(Math.max(0, ...values))}`
      : `${formatCount(values.reduce((sum, value) => sum + value, 0))} in 15 min, ${formatCount(lastMinute(values, activity.step_seconds))} in the last`;
    return html`<li><h3>${SPARKLINES[series]}</h3>${drawSparkline(values, series)}<p>${numbers}</p></li>`;
  })}</ul>`;
}

function lastMinute(values: readonly number[], stepSeconds: number): number {
  return values.slice(-Math.round(60 / stepSeconds)).reduce((sum, value) => sum + value, 0);
}

/** The last failures, equal ones counted in one row. */
export function renderFailures({ failures, generated_at: generatedAt }: Status): Html {
  if (failures.length === 0) return html`<tr><td class="empty" colspan="8">No request has failed since the start.</td></tr>`;
  return html`${failures.map((failure) => renderFailure(failure, Date.parse(generatedAt)))}`;
}

function renderFailure({ at, count, fault, outcome, code, status, client, upstream, model, id, upstream_request_id: upstreamId }: StatusFailure, now: number): Html {
  const cause = code === null ? outcome : `${outcome}: ${code}`;
  return html`<tr><td class="number">${formatSpan(Math.max(0, now - Date.parse(at)) / 1_000)} ago</td><td class="number">${formatCount(count)}</td><td><span class="fault ${fault}">${fault}</span></td>\
<td class="cause" title="${cause}">${cause}</td><td class="number">${status}</td><th scope="row" class="name" title="${client}">${client}</th><td class="name" title="${model ?? ''}${upstream === null ? '' : ` → ${upstream}`}">${model ?? '–'}</td>\
<td class="id">${id}${upstreamId === null ? undefined : html` <small>${upstreamId}</small>`}</td></tr>`;
}

/** The clients of the last hour. */
export function renderClients({ clients, generated_at: generatedAt }: Status): Html {
  if (clients.length === 0) return html`<tr><td class="empty" colspan="9">No request has ended in the last hour.</td></tr>`;
  return html`${clients.map((client) => renderClient(client, Date.parse(generatedAt)))}`;
}

function renderClient({ client, open, requests, failures, refusals, input_tokens: input, output_tokens: output, cost_dollars: cost, last_at: lastAt }: StatusClient, now: number): Html {
  const last = lastAt === null ? '–' : `${formatSpan(Math.max(0, now - Date.parse(lastAt)) / 1_000)} ago`;
  return html`<tr><th scope="row" class="name" title="${client}">${client}</th>${[open, requests, failures, refusals, input, output].map((count) => html`<td class="number">${formatCount(count)}</td>`)}<td class="number">${wordDollars(cost)}</td><td class="number">${last}</td></tr>`;
}

/** The shutdown that is under way; nothing while there is none. */
export function renderDrain({ drain, generated_at: generatedAt }: Status): Html {
  if (drain === null) return html``;
  const left = Math.max(0, Date.parse(drain.ends_at) - Date.parse(generatedAt)) / 1_000;
  return html`<p class="drain">Shutting down since ${formatTime(Date.parse(drain.since), Date.parse(generatedAt))}: ${countOf(drain.open, 'open response')} left; those that are open in ${formatSpan(left)} are broken.</p>`;
}

/** The state of the configuration: names of keys and sentences, never a value. */
export function renderConfig({ config, warnings, gateway, generated_at: generatedAt }: Status): Html {
  const now = Date.parse(generatedAt);
  const { last_reload: reload, restart_required: waiting, warnings: found } = config;
  return html`<dl><dt>Version</dt><dd>${gateway.version}, ${gateway.workers === 1 ? 'one process' : countOf(gateway.workers, 'worker')}, up for ${formatSpan((now - Date.parse(gateway.started_at)) / 1_000)}</dd>\
<dt>State</dt><dd>${gateway.state}</dd><dt>Loaded</dt><dd>${formatTime(Date.parse(config.loaded_at), now)}</dd>\
<dt>Last reload</dt><dd>${reload === null ? 'none' : `${reload.result === 'success' ? 'applied' : 'refused, the old configuration stays'} at ${formatTime(Date.parse(reload.at), now)}${reload.applied.length === 0 ? '' : `: ${reload.applied.join(', ')}`}`}</dd>\
<dt>Waits for a restart</dt><dd>${waiting.length === 0 ? 'nothing' : waiting.join(', ')}</dd>\
<dt>Warnings</dt><dd>${found.length + Object.keys(warnings).length === 0 ? 'none' : html`<ul>${[...Object.entries(warnings).map(([part, text]) => `${part}: ${text}`), ...found].map((warning) => html`<li>${warning}</li>`)}</ul>`}</dd></dl>`;
}
