import type { RequestTimeouts } from '@penstock/upstream-client';
import type { HeadTimeouts } from '../config/upstream-client-settings.ts';
import type { NativeRoute } from './route-table.ts';

/** Which clocks bound the wait for the head of an answer, and the silence behind it: those of one upstream, or those over all tries of a request. */
export function timeoutsFor({ headTimeouts }: { readonly headTimeouts: HeadTimeouts }, route: NativeRoute, wantsStream: boolean): Partial<RequestTimeouts> {
  if (route.isLongLived) return headTimeouts.session;
  if (route.headClock === 'quick') return headTimeouts.quick;
  return wantsStream || route.headClock === 'stream' ? headTimeouts.stream : headTimeouts.message;
}
