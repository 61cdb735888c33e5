import type { Target } from '../load/target.ts';

/** What a contender is started with. */
export interface ContenderEnvironment {
  /** `http://127.0.0.1:PORT` of the upstream. */
  readonly upstreamOrigin: string;
  readonly upstreamPort: number;
  /** The authority of an upstream behind TLS, a file with PEM text; absent: clear text. */
  readonly upstreamCaFile?: string;
  /** An empty folder of its own for configuration and logs. */
  readonly folder: string;
  /** The core, or cores, it runs on. */
  readonly core: number | string;
  /** What a program of Node is started with, before its own arguments. */
  readonly nodeFlags: readonly string[];
}

/** A way of calling a contender; `undefined` where it has none. */
export type Endpoint = Pick<Target, 'path' | 'fields' | 'bearersFile'>;

/** One running contender. */
export interface RunningContender {
  /** The process, whose descendants count as well; `undefined` for `direct`, which has none. */
  readonly pid: number | undefined;
  readonly port: number;
  /** The folder it runs in. */
  readonly folder: string;
  /** The Messages API, passed through. */
  readonly native: Endpoint | undefined;
  /** The OpenAI protocol, translated to the Messages API. */
  readonly chat: Endpoint | undefined;
  stop(): Promise<void>;
}

/** Something that can be measured. */
export interface Contender {
  readonly name: string;
  /** What it is and how it was set up, for the report. */
  readonly description: string;
  /** Whether it is one of the heavy ones that are left out of quick runs and of streams by the thousand. */
  readonly isPeer: boolean;
  /** Whether it can reach the upstream over TLS. */
  readonly speaksTls?: boolean;
  /** The only workload it takes part in, by its name; every one without. */
  readonly onlyIn?: string;
  /** Makes it ready to start; throws a reason for leaving it out. */
  prepare?(): Promise<void>;
  start(environment: ContenderEnvironment): Promise<RunningContender>;
}
