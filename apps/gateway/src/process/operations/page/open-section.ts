import { formatBytes, formatCount, formatSpan } from '../../../observe/status/format-values.ts';
import type { Status, StatusRequest } from '../../../observe/status/status.ts';
import { SORT_KEYS, type SortKey, type StatusQuery } from '../../../observe/status/status-query.ts';
import { REQUEST_PHASES } from '../../../request/described-request.ts';
import { SIDES } from '../../../request/request-record.ts';
import { html, type Html } from './html.ts';

interface Column {
  readonly title: string;
  readonly sort?: SortKey;
  readonly kind?: 'number' | 'route';
}

const COLUMNS: readonly Column[] = [
  { title: 'Age', sort: 'age', kind: 'number' }, { title: 'Client', sort: 'client' }, { title: 'Model', sort: 'model' }, { title: 'Route', kind: 'route' },
  { title: 'Phase', sort: 'phase' }, { title: 'Sent', kind: 'number' }, { title: 'Received', sort: 'bytes', kind: 'number' }, { title: 'Request id' },
];

/** The rows of the open requests; the one part of the page that changes with every update. */
export function renderOpenRows({ open }: Status): Html {
  if (open.requests.length > 0) return html`${open.requests.map(renderRow)}`;
  return html`<tr><td class="empty" colspan="${COLUMNS.length}">${open.total === 0 ? 'No request is open.' : 'No open request fits the filter.'}</td></tr>`;
}

function renderRow({ age_seconds: age, client, person, model, route, method, phase, stalled_seconds: stalled, request_bytes: sent, response_bytes: received, id, upstream }: StatusRequest): Html {
  const caller = person === undefined ? client : `${client} · ${person}`;
  const target = `${method} ${route ?? ''}${upstream === null ? '' : ` → ${upstream}`}`;
  return html`<tr><td class="number">${formatSpan(age)}</td><th scope="row" class="name" title="${caller}">${caller}</th><td class="name" title="${model ?? ''}">${model ?? '–'}</td>\
<td class="name route" title="${target}">${route ?? '–'}</td><td><span class="phase ${phase}">${phase}</span>${stalled === null ? undefined : html` <span class="stalled">client reads nothing for ${formatSpan(stalled)}</span>`}</td>\
<td class="number">${formatBytes(sent)}</td><td class="number">${formatBytes(received)}</td><td class="id">${id}</td></tr>`;
}

/** How many requests the table shows, of how many. */
export function renderOpenSummary({ open }: Status): Html {
  const { total, matching, requests } = open;
  const shown = requests.length === matching ? formatCount(matching) : `${formatCount(requests.length)} of ${formatCount(matching)}`;
  const phases = REQUEST_PHASES.filter((phase) => open.by_phase[phase] > 0).map((phase) => `${formatCount(open.by_phase[phase])} in ${phase}`);
  return html`${shown} shown${matching === total ? undefined : `, ${formatCount(total)} open in all`}${phases.length === 0 ? undefined : ` (${phases.join(', ')})`}`;
}

/** The table with its filter; works without a script, as a form and as links. */
export function renderOpenSection(status: Status, query: StatusQuery): Html {
  return html`<section aria-labelledby="open-title"><h2 id="open-title">Open requests</h2>
<form method="get" action="/" class="filter">
<label>Search <input type="search" name="search" value="${query.search ?? ''}" maxlength="200" placeholder="client, model, route, id"></label>
<label>Client <input type="text" name="client" value="${query.client ?? ''}" maxlength="200"></label>
<label>Side <select name="side">${options(['', ...SIDES], query.side)}</select></label>
<label>Phase <select name="phase">${options(['', ...REQUEST_PHASES], query.phase)}</select></label>
<label>Sort <select name="sort">${options(SORT_KEYS, query.sort)}</select></label>
<label>Rows <select name="limit">${options(['20', '100', '250', '500'], String(query.limit))}</select></label>
<button type="submit">Show</button> <a href="/">Reset</a></form>
<p id="open-summary" class="summary">${renderOpenSummary(status)}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="open-title"><table><thead><tr>${COLUMNS.map((column) => renderHead(column, query))}</tr></thead><tbody id="open-rows">${renderOpenRows(status)}</tbody></table></div></section>`;
}

function renderHead({ title, sort, kind }: Column, query: StatusQuery): Html {
  const classes = kind === undefined ? undefined : html` class="${kind}"`;
  if (sort === undefined) return html`<th scope="col"${classes}>${title}</th>`;
  const isSorted = sort === query.sort;
  return html`<th scope="col"${classes}${isSorted ? html` aria-sort="${sort === 'client' || sort === 'model' ? 'ascending' : 'descending'}"` : undefined}><a href="${linkTo(query, sort)}">${title}</a></th>`;
}

/** The page in another order, with the same filter. */
function linkTo({ search, client, side, phase, limit }: StatusQuery, sort: SortKey): string {
  const members = Object.entries({ search, client, side, phase, sort, limit: String(limit) }).filter((member): member is [string, string] => member[1] !== undefined);
  return `/?${new URLSearchParams(members).toString()}`;
}

function options(values: readonly string[], chosen: string | undefined): readonly Html[] {
  return values.map((value) => html`<option value="${value}"${value === (chosen ?? '') ? html` selected` : undefined}>${value === '' ? 'all' : value}</option>`);
}
