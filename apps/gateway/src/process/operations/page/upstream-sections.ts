import { describeRouting } from '../../../observe/status/describe-routing.ts';
import { countOf, formatCount, formatSpan, formatTime } from '../../../observe/status/format-values.ts';
import type { Status, StatusQuota, StatusUpstream } from '../../../observe/status/status.ts';
import { drawBar } from './drawings.ts';
import { html, type Html } from './html.ts';

/** Clients that a bar shows apart; the rest is one part. */
const MAX_BAR_PARTS = 6;

/** The pools of the upstreams as bars, divided by the clients that hold them, and what waits for them. */
export function renderUpstreams({ upstreams, generated_at: generatedAt }: Status): Html {
  if (upstreams.length === 0) return html`<p class="empty">No upstream is configured.</p>`;
  return html`<ul class="cards">${upstreams.map((upstream) => renderUpstream(upstream, Date.parse(generatedAt)))}</ul>`;
}

function renderUpstream(upstream: StatusUpstream, now: number): Html {
  const { name, max_connections: most, active, connecting, idle, waiting, max_waiting: mostWaiting, long_lived: longLived, max_long_lived: mostLongLived, trouble, routing, clients } = upstream;
  const held = clients.reduce((sum, client) => sum + client.held, 0);
  return html`<li><h3>${name}</h3>\
${trouble === null ? undefined : html`<p class="trouble">${trouble.cause} since ${formatTime(Date.parse(trouble.since), now)}</p>`}\
${routing !== null && routing.health !== 'well' && html`<p class="trouble">${describeRouting(routing)}</p>`}\
<p>${formatCount(held)} of ${countOf(most, 'connection')} held${connecting > 0 && html`, ${connecting} connecting`}</p>${drawBar(partsOf(upstream), most)}\
<p>${formatCount(waiting)} waiting, ${formatCount(mostWaiting)} may</p>${drawBar([{ value: waiting, kind: 'waiting', title: `${waiting} waiting` }], mostWaiting)}\
<dl><dt>active</dt><dd>${active}</dd><dt>idle</dt><dd>${idle}</dd><dt>long-lived</dt><dd>${longLived} of ${mostLongLived}</dd></dl>\
${clients.length > 0 && html`<ul class="shares">${clients.slice(0, MAX_BAR_PARTS).map(({ client, held: has, waiting: waits }, index) =>
    html`<li><span class="key part${index}"></span><span class="name" title="${client}">${client}</span> holds ${has}${waits > 0 && html`, ${waits} wait`}</li>`)}\
${clients.length > MAX_BAR_PARTS && html`<li>and ${countOf(clients.length - MAX_BAR_PARTS, 'client')} more</li>`}</ul>`}</li>`;
}

function partsOf({ clients }: StatusUpstream): { value: number; kind: string; title: string }[] {
  const rest = clients.slice(MAX_BAR_PARTS).reduce((sum, { held }) => sum + held, 0);
  const parts = clients.slice(0, MAX_BAR_PARTS).map(({ client, held }, index) => ({ value: held, kind: `part${index}`, title: `${client}: ${held}` }));
  return rest > 0 ? [...parts, { value: rest, kind: 'rest', title: `others: ${rest}` }] : parts;
}

/** The quotas of the API as bars of what is used, with the time at which they are full again. */
export function renderQuotas({ quotas, generated_at: generatedAt }: Status): Html {
  if (quotas.length === 0) return html`<p class="empty">No response has named a quota.</p>`;
  return html`<ul class="cards">${quotas.map((quota) => renderQuota(quota, Date.parse(generatedAt)))}</ul>`;
}

function renderQuota({ upstream, quota, limit, remaining, used_ratio: used, resets_at: resetsAt }: StatusQuota, now: number): Html {
  const left = limit === null || remaining === null ? `${Math.round(used * 100)} % used` : `${formatCount(remaining)} of ${formatCount(limit)} left`;
  const level = used > 0.9 ? 'low' : used > 0.75 ? 'middle' : 'plenty';
  return html`<li><h3>${quota} <small>${upstream}</small></h3><p>${left}</p>${drawBar([{ value: Math.min(1, Math.max(0, used)), kind: level, title: left }], 1)}<p>${describeReset(resetsAt, now)}</p></li>`;
}

function describeReset(resetsAt: string | null, now: number): string {
  if (resetsAt === null) return 'no time of reset';
  const at = Date.parse(resetsAt);
  return at <= now ? 'renewed since' : `full again in ${formatSpan((at - now) / 1_000)}`;
}
