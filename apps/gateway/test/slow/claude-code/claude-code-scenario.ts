import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigDocument } from '../../start-test-gateway.ts';
import { bothWays, type Account, type Way } from '../clients/both-ways.ts';
import type { ApiScript, ScriptedApi } from '../clients/scripted-api.ts';
import { runClaudeCode, type ClaudeCodeEnd, type ClaudeCodeRun } from './run-claude-code.ts';

/** What the client is run with, and what the upstream does meanwhile. */
export interface ClaudeCodeScenario extends Pick<ClaudeCodeRun, 'prompt' | 'flags' | 'environment' | 'stdin'> {
  readonly name: string;
  readonly script: (way: Way, folder: string) => ApiScript;
  readonly gateway?: ConfigDocument;
  /** Behind the base URL. */
  readonly suffix?: string;
  /** Fills the client's folder. */
  readonly prepare?: (folder: string) => void;
  /** Runs beside the client. */
  readonly meanwhile?: (child: ChildProcess, api: ScriptedApi) => Promise<void>;
  /** Further runs in the same folder, one after the other. */
  readonly thenRuns?: ReadonlyArray<Pick<ClaudeCodeRun, 'prompt' | 'flags'>>;
  /** What the client must come to without the gateway, so that a scenario that no longer happens is noticed. */
  readonly straight: { readonly requests: number } & Partial<ClaudeCodeEnd>;
}

/** How many retries the client makes of itself; its default of 10 takes minutes. */
const RETRIES = { CLAUDE_CODE_MAX_RETRIES: '2' };

/** Runs a scenario straight and through the gateway; the ends of all its runs in order. */
export function runScenario(program: string, scenario: ClaudeCodeScenario): Promise<Record<Way, Account<readonly ClaudeCodeEnd[]>>> {
  const folders = { straight: newFolder(), through: newFolder() };
  const { prompt, flags = [], environment = {}, stdin, suffix = '', meanwhile, thenRuns = [] } = scenario;
  const running = bothWays<readonly ClaudeCodeEnd[]>({
    script: (way) => scenario.script(way, folders[way]),
    ...(scenario.gateway === undefined ? {} : { gateway: scenario.gateway }),
    async drive(baseUrl, api, way) {
      const folder = folders[way];
      const ends: ClaudeCodeEnd[] = [];
      let beside: Promise<void> | undefined;
      scenario.prepare?.(folder);
      for (const each of [{ ...(prompt === undefined ? {} : { prompt }), flags }, ...thenRuns]) {
        ends.push(await runClaudeCode({
          program, folder, baseUrl: baseUrl + suffix, environment: { ...RETRIES, ...environment }, ...each, ...(stdin === undefined ? {} : { stdin }),
          meanwhile: (child) => { beside = meanwhile?.(child, api); },
        }));
      }
      await beside;
      return JSON.parse(JSON.stringify(ends).replaceAll(folder, 'FOLDER')) as ClaudeCodeEnd[];
    },
  });
  return running.finally(() => { for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true }); });
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'penstock-claude-code-'));
