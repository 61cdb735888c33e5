import { valueProblem } from '../config-error.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const strangersAreKeptNoLonger: CrossFieldRule = {
  reads: ['server.keep_alive_timeout', 'server.unauthenticated_keep_alive_timeout'],
  check: ({ server: { keep_alive_timeout: kept, unauthenticated_keep_alive_timeout: unauthenticated } }) => (unauthenticated <= kept ? [] : [
    valueProblem('server.unauthenticated_keep_alive_timeout', `at most server.keep_alive_timeout (${kept})`, String(unauthenticated)),
  ]),
};

/** What must hold between the fields of the main listener. */
export const listenerRules: readonly CrossFieldRule[] = [strangersAreKeptNoLonger];
