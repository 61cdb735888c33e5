import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import { isUpstreamError, UpstreamError, type UpstreamDispatchOptions, type UpstreamHandler } from '@penstock/upstream-client';
import { statusTraits } from '../health/failure-effects.ts';
import type { GroupDispatchOptions, RoutedRequest, TryFailure, TryRequest } from '../group-options.ts';
import { UpstreamGroupError } from '../upstream-group-error.ts';
import { ANY_ROUTE, RELEASED_OPTIONS, reportThrown, thrownError, type GroupContext } from './group-context.ts';
import { BestAnswer } from './best-answer.ts';
import { makeOutbound } from './make-outbound.ts';
import { GroupController } from './group-controller.ts';
import { HeadDeadline, lateError } from './head-deadline.ts';
import { flatHeaders, KeptRefusal } from './kept-refusal.ts';
import { Replay } from './replay.ts';
import { requestTry, type TryMaker } from './request-try.ts';
import { createRequestBodies, type RequestBodies } from './request-bodies.ts';
import type { MemberTry, TryOwner } from './member-try.ts';
import { createMemberTry } from './observed-try.ts';
import { wantedMember, type WantedMember } from './wanted-member.ts';

/**
 * One request to a group: its tries, one after the other, and the controller that the caller holds over all of them.
 *
 * A try that failed is followed by another one only where the request certainly did not run: no byte of it was written, or a response of a listed
 * status refused it. Nothing of a response reaches the handler before it is decided that it is the last.
 */
export class GroupExchange extends GroupController implements TryOwner, TryMaker {
  readonly #context: GroupContext;
  #options: GroupDispatchOptions;
  readonly #route: RoutedRequest;
  readonly #bodies: RequestBodies;
  readonly #wanted: WantedMember;
  #firstSentAt: number | undefined;
  /** Over the tries that are over. */
  #slotWaitedMs = 0;
  /** Absent as long as its first try has not failed: of most requests that is all there is. */
  #best: BestAnswer | undefined;
  /** Absent until it is armed. */
  #deadline: HeadDeadline | undefined;
  /** Whether a response is being given to the handler, or was. */
  #isCommitted = false;

  constructor(handler: UpstreamHandler, options: GroupDispatchOptions, context: GroupContext) {
    super(handler);
    this.#options = options;
    this.#context = context;
    this.#route = options.route ?? ANY_ROUTE;
    this.#bodies = createRequestBodies(options.body);
    this.#wanted = wantedMember(this.#route, context);
  }

  start(): void {
    try {
      this.handler.onRequestStart?.(this, null);
      if (!this.isDone) this.#tryNext();
    } catch (error) {
      this.broken(error);
    }
  }

  abort(reason: Error): void {
    if (this.isDone) return;
    this.aborted = true;
    this.reason = reason;
    this.#end(reason ?? new UpstreamError('the request was aborted', { code: 'aborted', phase: this.phase }));
  }

  pause(): void {
    this.paused = true;
    if (this.#isCommitted) this.current?.controller?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.replayed !== undefined) this.#goOn(this.replayed);
    else if (this.#isCommitted) this.current?.controller?.resume();
  }

  /** Whether a failure of this try would be followed by another one. */
  mayMove(): boolean {
    return this.#deadline?.isOver !== true && this.#bodies.canRepeat() && this.#wanted.tried.length < this.#wanted.candidates.length;
  }

  tryStarted(attempt: MemberTry): void {
    if (this.isDone) attempt.controller?.abort(this.reason ?? new UpstreamError('the request is over', { code: 'aborted', phase: 'waiting' }));
  }

  /** The head of a response: it is passed on, or kept while another member is asked. */
  head(attempt: MemberTry, status: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): void {
    if (status < 200) {
      // Nothing of a response may reach the client while it can still come from another member.
      if (!this.mayMove()) this.handler.onResponseStart?.(this, status, headers, statusMessage);
      return;
    }
    const { member } = attempt;
    const fields = flatHeaders(attempt.controller?.rawHeaders, headers);
    attempt.noteStatus(status, fields, this.#context.settings.coolDown);
    this.#context.quotaSeen(member, this.#wanted.scope, fields, attempt.beganAt);
    // A status below 400 is no refusal.
    if (status < 400 || !member.failOverStatuses.has(status)) {
      this.#commit(attempt, status, headers, statusMessage);
      return;
    }
    const refusal = new KeptRefusal({ member: member.name, status, headers, statusMessage, rawHeaders: [...fields], timings: attempt.controller?.timings, traits: statusTraits(status) });
    const better = this.#best?.betterThan(refusal);
    if (this.mayMove()) attempt.keep(refusal);
    else if (better === undefined) this.#commit(attempt, status, headers, statusMessage);
    else {
      attempt.drop();
      this.#answerBy(better.member, refusal.asFailure());
      this.#replay(better);
    }
  }

  end(trailers: IncomingHttpHeaders): void {
    this.isDone = true;
    this.#cleanUp();
    this.handler.onResponseEnd?.(this, trailers);
  }

  /** The refusal of a try is kept as a whole, or it could not be kept. */
  refused(attempt: MemberTry, refusal: KeptRefusal, isWhole: boolean): void {
    if (this.isDone) return;
    this.#slotWaitedMs += attempt.slotWaitMs();
    if (isWhole) this.#bestSoFar().offerRefusal(refusal);
    this.#moveOn(refusal.asFailure());
  }

  failed(attempt: MemberTry, error: Error): void {
    if (this.isDone) return;
    attempt.finish();
    if (this.#isCommitted) {
      this.#end(error);
      return;
    }
    attempt.noteError(error, this.#context.settings.coolDown);
    const didNotRun = error instanceof UpstreamGroupError || (isUpstreamError(error) && error.retryable);
    // A request that may have run: its failure is the answer, whatever was refused before.
    if (!didNotRun) {
      this.#end(error);
      return;
    }
    const failure: TryFailure = { from: attempt.member.name, reason: 'not_sent', error };
    if (attempt.member.failsOverNotSent && this.mayMove()) {
      this.#slotWaitedMs += attempt.slotWaitMs();
      this.#bestSoFar().offerError(error, failure.from);
      this.#moveOn(failure);
    } else this.#endWithBest(error, failure);
  }

  #tryNext(after?: TryFailure): void {
    const { tried, scope } = this.#wanted;
    const now = tried.length === 0 ? this.enqueuedAt : performance.now();
    const choice = this.#context.choose(this.#wanted, now);
    if (choice === undefined) {
      this.#endWithBest(this.#best?.error ?? new UpstreamGroupError('no_member', 'no member of the group may serve this request'), after);
      return;
    }
    const { member } = choice;
    if (after !== undefined) this.#context.failedOver(this.#route, { ...after, to: member.name });
    tried.push(member);
    const attempt = createMemberTry(this, this.handler, member, scope, now);
    this.current = attempt;
    requestTry(this.#route, attempt, tried.length, this);
  }

  made(attempt: MemberTry, made: TryRequest | undefined): void {
    // The clock of the head of a first try is its client's, and begins when the request is sent.
    if (this.#wanted.tried.length === 1) this.#deadline?.stop();
    let outbound: UpstreamDispatchOptions;
    try {
      outbound = makeOutbound(made, { attempt: this.#wanted.tried.length, options: this.#options, bodies: this.#bodies, settings: this.#context.settings, slotWaitedMs: this.#slotWaitedMs });
    } catch (error) {
      this.notMade(attempt, error);
      return;
    }
    if (!this.mayMove()) this.#bodies.release();
    attempt.member.client.dispatch(outbound, attempt);
  }

  notMade(attempt: MemberTry, error: unknown): void {
    attempt.noteIll('try_refused', this.#context.settings.coolDown);
    this.failed(attempt, new UpstreamGroupError('try_refused', `the request for ${attempt.member.name} could not be made`, error));
  }

  broken(thrown: unknown): void {
    this.#end(thrownError(thrown));
  }

  #moveOn(after: TryFailure): void {
    if (this.#deadline?.isOver === true) {
      this.#endWithBest(lateError(this.#options.method, this.phase), after);
      return;
    }
    this.#firstSentAt ??= this.current?.controller?.timings.sentAt;
    this.madeLater();
    this.#tryNext(after);
  }

  /** From here on the one deadline of all tries runs: with the second one, and while one is being made. */
  madeLater(): void {
    this.#deadline ??= new HeadDeadline();
    this.#deadline.arm(this.#firstSentAt ?? this.enqueuedAt, this.#options.timeouts?.headersMs ?? this.#context.settings.headersMs, () => {
      if (!this.#isCommitted && !this.isDone) this.#endWithLate();
    });
  }

  /**
   * The current try may have run: only one that was not sent, or that was refused, leaves the refusal of another one to be the answer. Its member had the
   * rest of the time only, and is not ill for it.
   */
  #endWithLate(): void {
    const { phase, current } = this;
    const error = lateError(this.#options.method, this.phase);
    if (current === undefined || (phase !== 'waiting' && phase !== 'connecting')) this.#end(error);
    else this.#endWithBest(error, current.kept?.asFailure() ?? { from: current.member.name, reason: 'not_sent', error });
  }

  #commit(attempt: MemberTry, status: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): void {
    this.#isCommitted = true;
    this.#best?.clear();
    this.#cleanUp();
    if (this.paused) attempt.controller?.pause();
    this.handler.onResponseStart?.(this, status, headers, statusMessage);
  }

  #replay(kept: KeptRefusal): void {
    this.#isCommitted = true;
    this.#cleanUp();
    this.replayed = new Replay(kept, this.handler, this);
    this.#goOn(this.replayed);
  }

  #goOn(replay: Replay): void {
    try {
      if (this.isDone || !replay.run() || this.isDone) return;
      this.isDone = true;
      replay.end();
    } catch (error) {
      this.#end(thrownError(error));
    }
  }

  /** All tries failed, and none may have run: the answer is the refusal or error that helps the client most. `last` is what came of the last try. */
  #endWithBest(error: Error, last: TryFailure | undefined): void {
    const best = this.#bestSoFar();
    best.offerError(error, last?.from);
    this.current?.drop();
    const refusal = best.refusalOverErrors();
    this.#answerBy(refusal?.member ?? best.errorOf, last);
    if (refusal === undefined) this.#end(best.error ?? error);
    else this.#replay(refusal);
  }

  #bestSoFar(): BestAnswer {
    return (this.#best ??= new BestAnswer());
  }

  /** Reports the last try where the answer is that of an earlier one. */
  #answerBy(member: string | undefined, last: TryFailure | undefined): void {
    if (member !== undefined && last !== undefined && member !== last.from) this.#context.answeredBy(this.#route, member, last);
  }

  #end(error: Error): void {
    if (this.isDone) return;
    this.isDone = true;
    this.reason ??= error;
    if (this.replayed !== undefined) this.replayed.isStopped = true;
    this.#cleanUp();
    this.current?.drop(error);
    reportThrown(() => { this.handler.onResponseError?.(this, error); });
  }

  #cleanUp(): void {
    this.#deadline?.stop();
    // A response may last for hours, and the request is not sent again.
    this.#options = RELEASED_OPTIONS;
    this.#bodies.dispose();
  }
}
