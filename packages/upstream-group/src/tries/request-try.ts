import type { RoutedRequest, TryRequest } from '../group-options.ts';
import type { MemberTry } from './member-try.ts';

/** What is done with a try as it was made, or was not. */
export interface TryMaker {
  /** It is made later; one of the other two follows, unless the try ends before. */
  madeLater(): void;
  made(attempt: MemberTry, made: TryRequest | undefined): void;
  notMade(attempt: MemberTry, error: unknown): void;
  /** What ends the request as it is: an error that is about it, or an exception of `made` or `notMade` where they were called later. */
  broken(thrown: unknown): void;
}

/** Asks for what is sent to a member. What comes after the try ended (by an abort, or the deadline) is dropped, a rejection as well. */
export function requestTry(route: RoutedRequest, attempt: MemberTry, number: number, maker: TryMaker): void {
  const { name } = attempt.member;
  let made: TryRequest | Promise<TryRequest> | undefined;
  try {
    route.tried?.(name, number);
    made = route.requestFor?.(name, number);
  } catch (error) {
    failTry(route, attempt, error, maker);
    return;
  }
  if (made === undefined || !('then' in made)) {
    maker.made(attempt, made);
    return;
  }
  maker.madeLater();
  void waitForTry(route, attempt, made, maker);
}

function failTry(route: RoutedRequest, attempt: MemberTry, error: unknown, maker: TryMaker): void {
  if (route.endsRequest?.(error) === true) maker.broken(error);
  else maker.notMade(attempt, error);
}

async function waitForTry(route: RoutedRequest, attempt: MemberTry, pending: Promise<TryRequest>, maker: TryMaker): Promise<void> {
  try {
    let made: TryRequest;
    try {
      made = await pending;
    } catch (error) {
      if (!attempt.isOver) failTry(route, attempt, error, maker);
      return;
    }
    if (!attempt.isOver) maker.made(attempt, made);
  } catch (error) {
    maker.broken(error);
  }
}
