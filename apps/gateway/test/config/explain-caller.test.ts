import { describe, expect, it } from 'vitest';
import { runCheck } from '../../src/commands/check.ts';
import { explainCaller, type CallerReport, type NamedCaller } from '../../src/commands/explain-caller.ts';
import { attemptLoad } from './config-folder.ts';

const FILE = {
  identity: {
    issuers: [{ name: 'ci', issuer: 'https://token.example', audience: ['penstock'], require: { owner: ['acme'] } }],
    sign_in: { public_url: 'https://claude.example', session_keys: ['a-session-secret-of-more-than-32-characters'], oidc: { issuer: 'https://idp.example', client_id: 'penstock' } },
  },
  policies: [
    { name: 'engineers', match: { groups: ['engineering'] }, models: ['claude-*'], limits: { concurrent_requests: 9 } },
    { name: 'acme', match: { email_domain: 'acme.com' }, routes: ['messages', 'files'] },
    { name: 'robots', match: { issuer: 'ci', users: ['ci:repo:acme/app'] } },
    { name: 'everyone', match: {}, models: ['claude-haiku-*'], limits: { requests_per_minute: 60 } },
  ],
  clients: [{ name: 'cron', key_sha256: 'a'.repeat(64), policy: 'engineers', models: ['claude-opus-*'] }, { name: 'free', key_sha256: 'b'.repeat(64) }],
};
const { config } = attemptLoad({ file: FILE });
const explain = (text: string, rest: Partial<NamedCaller> = {}): CallerReport | undefined => explainCaller(config, { text, groups: [], ...rest });

describe('penstock check --as', () => {
  it('names the policy of a person, what it is laid over, and why no other', () => {
    expect(explain('alice@acme.com', { groups: ['engineering'] })).toEqual({
      caller: 'alice@acme.com', kind: 'person', issuer: 'sign_in', groups: ['engineering'], admitted: true, policy: 'engineers', base: 'everyone',
      why: ['engineers: the first that matches', 'acme: would match, but an earlier one does', 'robots: does not match by the issuer and the users'],
      models: ['claude-*'], routes: ['messages', 'models', 'front_door'], limits: { requests_per_minute: 60, concurrent_requests: 9 },
    });
    expect(explain('alice@acme.com')).toMatchObject({ policy: 'acme', models: ['claude-haiku-*'], routes: ['messages', 'files'] });
    expect(explain('bob@other.example')).toMatchObject({ policy: 'everyone', why: [expect.any(String), expect.any(String), expect.any(String), 'everyone: the base, for no other matches'] });
  });

  it('lists the budgets that hold, where each comes from, and leaves out the routes that they close', () => {
    const budgets = [
      { scope: { group: 'engineering' }, share: 'each', period: 'daily', amount_cents: 2_000 }, { scope: { organization: true }, share: 'pooled', period: 'monthly', amount_cents: 500_000, stop: false },
      { scope: { client: 'free' }, share: 'each', period: 'weekly', amount_cents: 50, warn_at: [] },
    ];
    const limited = attemptLoad({ file: { ...FILE, budgets, anthropic_native: { route_groups: ['messages', 'batches'] }, clients: [{ ...FILE.clients[1], routes: ['messages'] }] } }).config;
    const of = (text: string, groups: readonly string[] = []): CallerReport | undefined => explainCaller(limited, { text, groups });
    expect(of('alice@acme.com', ['engineering'])?.budgets).toEqual([
      '$20.00 daily, each, from that of the group engineering (budgets[0]), warns at 75 % and 95 %', '$5000.00 monthly, shared by the organization (budgets[1]), warns at 75 % and 95 %, never stops',
    ]);
    expect(of('client:free')?.budgets).toEqual(['$0.50 weekly, each, from that of the client free (budgets[2])', expect.stringContaining('budgets[1]')]);
    const open = attemptLoad({ file: { anthropic_native: { route_groups: ['messages', 'batches', 'agents'] }, clients: [FILE.clients[1]].map((client) => ({ ...client, policy: undefined })), budgets: [budgets[2]] } }).config;
    expect(explainCaller(open, { text: 'client:free', groups: [] })?.routes).not.toContain('agents');
    expect(explainCaller(open, { text: 'client:free', groups: [] })?.routes).toContain('batches');
    expect(explainCaller({ ...open, budgets: [] }, { text: 'client:free', groups: [] })?.routes).toContain('agents');
  });

  it('says where a budget of one person may hold that an e-mail address does not find, and shows it to one who names the subject', () => {
    const everybody = { scope: { user: true }, share: 'each', amount_cents: 5_000 };
    const identity = { ...FILE.identity, issuers: [{ ...FILE.identity.issuers[0], claims: { email: 'email' } }] };
    const limited = attemptLoad({ file: { ...FILE, identity, budgets: [everybody, { scope: { user: 'ci:00u1' }, share: 'each', amount_cents: 100 }, { scope: { user: '00u2' }, share: 'each', amount_cents: 200 }] } }).config;
    const of = (text: string, issuer?: string): CallerReport | undefined => explainCaller(limited, { text, groups: [], issuer });
    const dollars = (report: CallerReport | undefined): unknown => report?.budgets?.map((budget) => budget.split(' ')[0]);
    expect(of('alice@acme.com', 'ci')?.why[0]).toBe('a budget of one person may hold in place of those shown (budgets[1]): an e-mail address does not give the subject by which it is found; name ci:SUB');
    expect(of('alice@acme.com')?.why[0]).toBe('a budget of one person may hold in place of those shown (budgets[2]): an e-mail address does not give the subject by which it is found; name SUB');
    expect([dollars(of('alice@acme.com')), dollars(of('ci:00u1')), dollars(of('00u2'))]).toEqual([['$50.00'], ['$1.00'], ['$2.00']]);
    for (const certain of ['ci:00u1', '00u2', 'client:cron']) expect(of(certain)?.why.join()).not.toContain('may hold');
    expect(explainCaller({ ...limited, budgets: limited.budgets.slice(0, 1) }, { text: 'alice@acme.com', groups: [] })?.why.join()).not.toContain('may hold');
  });

  it('knows workloads by their issuer, and clients by their name', () => {
    expect(explain('ci:repo:acme/app')).toMatchObject({ issuer: 'ci', policy: 'robots' });
    expect(explain('ci:repo:acme/other')).toMatchObject({ issuer: 'ci', policy: 'everyone' });
    expect(explain('alice@acme.com', { issuer: 'ci', groups: ['engineering'] })).toMatchObject({ policy: 'everyone', why: ['no e-mail of ci counts: its claims name none', 'no group of ci counts: its claims name none', ...Array<unknown>(4).fill(expect.any(String))] });
    expect(explain('client:cron')).toMatchObject({ kind: 'client', policy: 'engineers', base: 'everyone', models: ['claude-opus-*'], limits: { concurrent_requests: 9, requests_per_minute: 60 } });
    expect(explain('client:free')).toEqual({ caller: 'client:free', kind: 'client', admitted: true, why: ['it names no policy: only its own members count'], routes: ['messages', 'models', 'front_door'] });
    expect([explain('client:none'), explain('a@b.example', { issuer: 'none' })]).toEqual([undefined, undefined]);
  });

  it('agrees with what no policy is for: not admitted', () => {
    const strict = attemptLoad({ file: { ...FILE, policies: FILE.policies.slice(0, 3) } }).config;
    expect(explainCaller(strict, { text: 'bob@other.example', groups: [] })).toMatchObject({ admitted: false, routes: [], why: [expect.any(String), expect.any(String), expect.any(String), 'no policy matches, and none has an empty match'] });
  });

  it('prints JSON and nothing else; an unknown caller is a sentence and exit code 1', () => {
    let [stdout, stderr] = ['', ''];
    const output = { stdout: { write: (text: string) => { stdout += text; } }, stderr: { write: (text: string) => { stderr += text; } } };
    const load = { argv: {}, environment: { ANTHROPIC_API_KEY: 'sk-ant-x' }, workingDirectory: '/nowhere' };
    expect(runCheck(load, output, { text: 'client:none', groups: [] })).toBe(1);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining('no such client')]);
    expect(runCheck(load, output, { text: 'alice@acme.com', groups: [] })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ admitted: false, why: ['nothing issues tokens to such persons: identity.sign_in is absent', 'no policy matches, and none has an empty match'] });
  });
});
