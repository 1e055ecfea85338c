// The middleware and its controls: composes options, router, pursuit, ladder and stream healing.

import { checkCallOptions, checkOptions, checkResume } from './check-options.ts';
import { HoldfastConfigError } from './config-error.ts';
import { describeSettings, type SettingsDescription } from './describe.ts';
import { answerCall } from './engine/answer-call.ts';
import { headerValue } from './engine/answers.ts';
import type { MiddlewareNext } from '@anthropic-ai/sdk';
import { openCall, resumeMark, type ApiOptions, type ApiRequest, type Call } from './engine/call.ts';
import { isNested } from './engine/nested.ts';
import { readCheckpoint } from './engine/read-checkpoint.ts';
import { createRouter } from './engine/router.ts';
import { callIdOf, explainError, type Explanation } from './explain.ts';
import { currentScope, deadlineOn } from './http/scope.ts';
import type { HoldfastOptions } from './options.ts';
import { resolveSettings } from './settings.ts';
import type { TargetReport } from './policy/target-state.ts';
import type { Listener } from './telemetry/events.ts';
import type { Ledger } from './telemetry/ledger.ts';
import { logListener } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { recordingSpan } from './telemetry/span-events.ts';
import { dateOf, newId, type Clock, wallNow } from './time.ts';
import { version } from './version.ts';

/** How an instance is, for health endpoints and dashboards. */
export interface HealthReport {
  /**
   * `down`: nobody answers now, or the instance was closed. `degraded`: some targets may not be asked, the retry budget is empty,
   * or no target may be asked and the cache or `answer` stands in. Targets that rest because of a key or an account are asked
   * when there are no others, so that a repair is found out: that is `degraded` too.
   */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly targets: readonly TargetReport[];
  /** What is left of the retry budget, 0 to 1; null without one. */
  readonly budget: number | null;
}

/**
 * The SDK's `Middleware`, said by structure: its ESM and CommonJS builds have types of their own, and a CommonJS program
 * must be able to use this one.
 */
export type HoldfastMiddleware = (
  request: { readonly url: string },
  next: (request: never) => Promise<Response>,
  ctx: { readonly options?: object | undefined },
) => Promise<Response>;

/**
 * What `resume` needs of an SDK client. `messages.stream` is generic, and only a request of a plain type tells the compiler
 * which stream it returns.
 */
export interface ResumeClient<Stream> {
  readonly messages: {
    stream(body: { readonly model: string; readonly max_tokens: number; readonly messages: never[] }, options?: never): Stream;
  };
}

/** The middleware for the SDK, with its controls on it. */
export interface Holdfast extends HoldfastMiddleware {
  /** Hears every event until the returned function is called. A listener that throws or rejects harms nobody. */
  on(listener: Listener): () => void;
  /** The state of targets, circuits and budget now. */
  health(): HealthReport;
  /** The settings in force, defaults filled in, as plain data. */
  describe(): SettingsDescription;
  /**
   * Every attempt of a recent call, found by its call id, its request id, a message, a response or an error. An id that several
   * calls share finds the last of them.
   * Undefined when the call did not come through this instance, or its ids are not among the last 2,000 (a healthy call has three).
   */
  attempts(of: unknown): Ledger | undefined;
  /** The typed story of an error: kind, advice, attempts, when to try again, what a broken stream had delivered. */
  explain(error: unknown): Explanation;
  /**
   * Finishes an answer that another process began and left behind in the checkpoint store: its stream first delivers what
   * there was and then the rest. Continues by the same rules as a broken stream.
   *
   * @param requestId the call's id, as given in `callOptions({ requestId })`; without one, `attempts(response).checkpointId`
   * @param options the client to ask, which must carry this middleware, and the tenant the call belonged to
   * @returns what `client.messages.stream` returns; null when there is nothing to finish, or what is there cannot be believed
   * @throws {HoldfastConfigError} when this instance has no checkpoint store, or the arguments are wrong
   * @throws {CheckpointStoreError} when the store fails, or does not answer within two seconds
   */
  resume<Stream>(requestId: string, options: { readonly client: ResumeClient<Stream>; readonly tenant?: string }): Promise<Stream | null>;
  /**
   * Takes a target out of service by hand: no call is sent there until `enable`. Calls that run go on.
   *
   * @throws {HoldfastConfigError} when no target has that name
   */
  disable(target: string): void;
  /** Puts a target back into service, with nothing held against it: its lockout ends and its circuits take probes at once. */
  enable(target: string): void;
  /** Takes no new calls, and stops probes. Calls that run go on. */
  close(): void;
}

/**
 * Makes the calls of an Anthropic client finish: retries within a budget, a circuit breaker per target and model, time
 * limits, failover, degradation, and streams that heal.
 *
 * @param options every one has a production default; wrong ones are reported all at once
 * @returns SDK middleware: `new Anthropic({ middleware: [holdfast()] })`. Put it last (innermost) in the list.
 * @throws {HoldfastConfigError} when options are wrong
 *
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk';
 * import { holdfast } from '@holdfast/core';
 *
 * const client = new Anthropic({ middleware: [holdfast()] });
 * ```
 */
export function holdfast(options: HoldfastOptions = {}): Holdfast {
  const problems = checkOptions(options);
  if (problems.length > 0) throw new HoldfastConfigError(problems);

  const settings = resolveSettings(options);
  const { clock, emitter, book, budgets } = settings;
  const router = createRouter(settings);
  const engine = { settings, router };
  const budgetLeft = (): number | null => budgets.leftAt(clock.now());
  const primary = options.primary?.name ?? 'primary';
  const metrics = createMetrics(
    emitter,
    {
      instance: primary,
      targets: [primary, ...(options.targets ?? []).map(({ name }) => name)],
      circuits: () => router.circuits(),
      budget: budgetLeft,
    },
    version,
  );
  metrics.refresh();
  if (options.logger) emitter.onLive(logListener(options.logger, undefined, clock));
  if (options.on) emitter.on(options.on);
  let closed = false;

  const middleware: HoldfastMiddleware = (request, next, ctx) => {
    const requestOptions = ctx.options as ApiOptions | undefined;
    // Credential exchanges carry no options, and an outer Holdfast counts for a nested one.
    if (!requestOptions || isNested(ctx, requestOptions, request, engine) || requestOptions.holdfast?.enabled === false)
      return next(request as never);
    if (requestOptions.holdfast) {
      const mistakes = checkCallOptions(requestOptions.holdfast);
      if (mistakes.length > 0) return Promise.reject(new HoldfastConfigError(mistakes));
    }
    metrics.refresh();
    const scope = currentScope();
    const call: Call = openCall({
      request: request as ApiRequest,
      next: next as MiddlewareNext,
      options: requestOptions,
      scope,
      scopeDeadlineAt: deadlineOn(clock, scope),
      limits: options.limits,
      span: recordingSpan(),
      now: clock.now(),
      newId,
    });
    book.add(call.ledger);
    // What comes back with an answer is the id as its header can say it.
    const label = headerValue(call.id);
    if (label !== call.id) book.index(label, call.ledger);
    return answerCall(engine, call, closed);
  };

  return Object.assign(middleware, {
    on: (listener: Listener) => emitter.on(listener),
    health: () =>
      healthOf(
        router.report().map((target) => dated(target, clock)),
        budgetLeft(),
        // As the engine asks: less than one retry is none.
        { closed, standIn: hasStandIn(options), canRetry: budgets.canRetry(clock.now()) },
      ),
    describe: () => describeSettings(settings),
    attempts: (of: unknown) => find(of),
    explain(error: unknown) {
      const ledger = find(error) ?? null;
      const ending = ledger ? settings.stories.get(ledger) : undefined;
      return explainError(error, { ledger, partial: settings.partials.get(ledger, callIdOf(error)) ?? null, ending }, wallNow(clock));
    },
    async resume<Stream>(
      requestId: string,
      { client, tenant = null }: { readonly client: ResumeClient<Stream>; readonly tenant?: string | null },
    ) {
      const mistakes = checkResume(requestId, client, tenant);
      if (mistakes.length > 0) throw new HoldfastConfigError(mistakes);
      const checkpoint = await readCheckpoint(settings, requestId, tenant);
      if (checkpoint === null) return null;
      const { stream: _, ...body } = checkpoint.body;
      const requestOptions = {
        holdfast: { requestId, ...(tenant === null ? {} : { tenant }) },
        [resumeMark]: checkpoint.transcript,
      };
      return client.messages.stream(body as never, requestOptions as never);
    },
    disable: (target: string) => setInService(target, false),
    enable: (target: string) => setInService(target, true),
    close() {
      closed = true;
      metrics.close();
      router.close();
    },
  });

  function setInService(target: string, inService: boolean): void {
    if (router.setInService(target, inService)) return;
    throw new HoldfastConfigError([{ code: 'HOLDFAST_OPTION_INVALID', path: 'target', message: `there is no target named ${target}` }]);
  }

  function find(of: unknown): Ledger | undefined {
    for (const id of idsOf(of)) {
      const ledger = book.find(id);
      if (ledger) return ledger;
    }
    return undefined;
  }
}

/** Whoever asks knows the date, and not the clock that the waits are measured on. */
function dated(target: TargetReport, clock: Clock): TargetReport {
  const date = (moment: number | null): number | null => (moment === null ? null : dateOf(moment, clock));
  return { ...target, throttledUntil: date(target.throttledUntil), disabledUntil: date(target.disabledUntil) };
}

function healthOf(
  targets: readonly TargetReport[],
  budget: number | null,
  { closed, standIn, canRetry }: { readonly closed: boolean; readonly standIn: boolean; readonly canRetry: boolean },
): HealthReport {
  const usable = targets.filter((target) => target.usable).length;
  const answers = !closed && (usable > 0 || standIn || targets.some((target) => target.disabledUntil !== null));
  const whole = usable === targets.length && targets.every((target) => target.disabledUntil === null) && canRetry;
  return { status: !answers ? 'down' : whole ? 'ok' : 'degraded', targets, budget };
}

/** Whether there are answers when no target gives one. */
function hasStandIn({ cache, answer, degrade = 'answer' }: HoldfastOptions): boolean {
  return (cache !== undefined && (degrade === 'cache' || degrade === 'answer')) || (answer !== undefined && degrade === 'answer');
}

/**
 * Every id by which `of` may be known: a call id, a request id, a message, an error, a Response. The upstream's come first:
 * several calls of one request share an id of ours.
 */
function idsOf(of: unknown): string[] {
  if (typeof of === 'string') return [of];
  if (typeof of !== 'object' || of === null) return [];
  const thing = of as { id?: unknown; _request_id?: unknown; requestID?: unknown; request_id?: unknown; headers?: unknown };
  const headers = thing.headers as { get?: (name: string) => string | null } | undefined;
  const named = (name: string): string | null => (typeof headers?.get === 'function' ? headers.get(name) : null);
  return [
    thing._request_id,
    thing.requestID,
    thing.request_id,
    named('request-id'),
    thing.id,
    named('holdfast-call-id'),
    callIdOf(of),
  ].filter((id) => typeof id === 'string');
}
