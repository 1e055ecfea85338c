// The life of a streamed answer: hands the reader one body, and finds the next attempt when one breaks.

import { withDefaults } from '../policy/defaults.ts';
import { storyOfEnding, storyOfVerdict, type Story } from '../policy/story.ts';
import type { Verdict } from '../policy/verdict.ts';
import { classify } from '../policy/classify.ts';
import { witness } from '../policy/witness.ts';
import type { ErrorFacts, Outcome } from '../policy/outcome.ts';
import type { StreamSettings } from '../settings.ts';
import { continuationBody, type Continuation } from '../stream/continuation.ts';
import { planRecovery, requestFacts, type Plan, type RequestFacts, type SurfaceCause } from '../stream/recovery.ts';
import { Splice, type SpliceOptions } from '../stream/splice.ts';
import { deliveredText, type Transcript } from '../stream/transcript.ts';
import { wholeMessage } from '../stream/whole-message.ts';
import type { LedgerAttempt, TokenCount } from '../telemetry/ledger.ts';
import { wallNow, watching } from '../time.ts';
import { abortQuietly, isAborted, onFirstAbort } from './abort.ts';
import { headerValue, ownErrorEvent } from './answers.ts';
import type { BegunStream } from './attempt.ts';
import type { Call } from './call.ts';
import { Checkpointer } from './checkpointer.ts';
import { errorDetails } from './deliver.ts';
import { labels, relabel } from './labels.ts';
import { finish } from './finish.ts';
import { heal, type HealedBody, type NextSource, type StreamOwner, type StreamSource } from './heal.ts';
import { closeEntry, successVerdict } from './entries.ts';
import type { Hop } from './hop.ts';
import { pursue, speedOf, type Engine, type PursuitEnd } from './pursuit.ts';
import { tell } from './tell.ts';

/** The Response for a stream that began: its body goes on whatever happens upstream, as far as that can be right. */
export function streamAnswer(engine: Engine, call: Call, begun: BegunStream, hop: Hop, entry: LedgerAttempt): Response {
  const owner = new StreamedAnswer(engine, call, hop, entry);
  const healed = heal({ splice: owner.splice, source: sourceOf(begun, hop, owner.savesProgress), owner, clock: engine.settings.clock });
  owner.follow(healed);
  return relabel(begun.response, healed.body, labels(call, hop.target));
}

/** The Response for an answer that an earlier process began: the reader gets what there was, and then the rest. */
export function resumeAnswer(engine: Engine, call: Call, transcript: Transcript): Response {
  const owner = new StreamedAnswer(engine, call, pastHop, pastEntry, transcript);
  const healed = heal({ splice: owner.splice, source: pastSource(), owner, clock: engine.settings.clock });
  owner.follow(healed);
  return new Response(healed.body, {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': headerValue(call.id), ...labels(call, null) },
  });
}

/** The attempt of the earlier process: nothing of it is left to read or to settle. */
const pastSource = (): StreamSource => ({
  prelude: [],
  reader: new ReadableStream<Uint8Array>().getReader(),
  abort() {},
  idleMs: 0,
  watched: true,
});
const pastHop: Hop = {
  target: 'checkpoint',
  model: null,
  why: 'checkpoint',
  leftOut: [],
  adapted: false,
  isPrimary: false,
  firstByteMs: 0,
  idleMs: 0,
  totalMs: 0,
  answering() {},
  settle() {},
};
const pastEntry: LedgerAttempt = Object.freeze({
  number: 0,
  target: 'checkpoint',
  model: null,
  purpose: 'first',
  why: 'checkpoint',
  leftOut: [],
  startedAt: 0,
  waitedMs: 0,
  headersMs: null,
  firstContentMs: null,
  durationMs: 0,
  status: null,
  requestId: null,
  result: 'stream-broken',
  reason: 'checkpoint',
  retry: null,
  retryAfterMs: null,
  billed: null,
  usage: null,
  discarded: false,
});

const sourceOf = ({ prelude, reader, abort }: BegunStream, { idleMs }: Hop, watched: boolean): StreamSource => ({
  prelude,
  reader,
  abort,
  idleMs,
  watched,
});

class StreamedAnswer implements StreamOwner {
  readonly splice: Splice;
  readonly #engine: Engine;
  readonly #call: Call;
  readonly #facts: RequestFacts;
  readonly #options: StreamSettings;
  readonly #checkpointer: Checkpointer | null;
  #hop: Hop;
  #entry: LedgerAttempt;
  #resumesMade = 0;
  #noPrefill = false;
  /** How many of the splice's usage entries belong to attempts that are already in the ledger. */
  #accounted = 0;
  /** What the reader had when the attempt began. */
  #hadBefore = 0;
  #resumeForm: 'prefill' | 'user-turn' | 'restart' | null = null;
  /** The last that the upstream itself said of a failure. */
  #said: { readonly outcome: Outcome; readonly verdict: Verdict } | null = null;
  /** How it ends, where it fails. */
  #told: Story | null = null;
  /** Ends what is being asked for the rest of the answer; null while nothing is. */
  #asking: AbortController | null = null;
  #unlink: () => void = () => {};

  constructor(engine: Engine, call: Call, hop: Hop, entry: LedgerAttempt, past: Transcript | null = null) {
    this.#engine = engine;
    this.#call = call;
    this.#hop = hop;
    this.#entry = entry;
    this.#facts = requestFacts(call.body);
    const { perCall } = call;
    this.#options = withDefaults(engine.settings.streams, perCall.streams === false ? { heal: false } : perCall.streams);
    const { heal: heals, tools, structuredOutput } = this.#options;
    const options: SpliceOptions = {
      tools: heals ? tools : 'live',
      liveThinking: !heals || this.#facts.showsThinking,
      holdAll: heals && structuredOutput === 'hold' && (this.#facts.structuredOutput || this.#facts.forcedTool),
      stopSequences: this.#facts.stopSequences,
      strict: heals,
    };
    this.splice = past ? Splice.replay(options, past) : new Splice(options);
    this.#accounted = past?.usage.length ?? 0;
    const { checkpoints } = this.#options;
    this.#checkpointer = checkpoints ? new Checkpointer(engine.settings, this.#options, checkpoints, call, past !== null) : null;
    if (checkpoints) {
      call.ledger.checkpointId = call.checkpointId;
      // Whoever wants to know that name asks while the answer is still being written.
      if (entry.requestId) engine.settings.book.index(entry.requestId, call.ledger);
    }
  }

  /** What the reader has is written to a store from time to time. */
  get savesProgress(): boolean {
    return this.#checkpointer !== null;
  }

  /** Ends the stream when the caller or the deadline does, for as long as it lives. */
  follow({ leave, interrupt }: HealedBody): void {
    const { clock } = this.#engine.settings;
    const { callers, deadlineAt } = this.#call;
    const [sdk, ...scopes] = callers;
    // Who left at the very moment it began leaves nothing to follow.
    if (sdk?.aborted) return leave();
    const unlinkSdk = onFirstAbort([sdk], leave);
    // A scope that ended is not known to the SDK: the stream breaks, and says why.
    const unlinkScopes = onFirstAbort(scopes, interrupt);
    // A stream that nobody reads does not keep the process alive.
    const cancel = Number.isFinite(deadlineAt) ? watching(clock).after(deadlineAt - clock.now(), interrupt) : () => {};
    this.#unlink = () => {
      unlinkSdk();
      unlinkScopes();
      cancel();
    };
  }

  onProgress(): void {
    this.#noteSeam();
    this.#checkpointer?.progress(this.splice);
  }

  async onBreak(broken: Outcome): Promise<NextSource> {
    const { settings } = this.#engine;
    const call = this.#call;
    const now = settings.clock.now();
    if (isAborted(call.callers)) return this.#surfaceAborted();
    const late = now >= call.deadlineAt;
    const outcome: Outcome = late ? { type: 'limit', limit: 'total' } : broken;
    const transcript = this.splice.transcript();
    const verdict = this.#judge(outcome, transcript);
    this.#checkpointer?.write(transcript);
    const plan = planRecovery({
      transcript,
      stopKnown: this.splice.stopKnown,
      facts: this.#facts,
      verdict: { ...verdict, retry: this.#retryAfter(verdict) },
      options: this.#options,
      resumesLeft: (call.perCall.attempts === 1 ? 0 : this.#options.resumes) - this.#resumesMade,
    });
    const ends = late && plan.type !== 'finish' && plan.type !== 'close';
    tell(settings, call, () => ({
      type: 'stream-broke',
      callId: call.id,
      at: now,
      kind: verdict.kind,
      reason: this.splice.state.type === 'broken' ? this.splice.state.problem : verdict.reason,
      plan: ends ? 'surface:deadline' : plan.type === 'surface' ? `surface:${plan.cause}` : plan.type,
      deliveredBlocks: transcript.blocks.length,
      deliveredCharacters: deliveredText(transcript).length,
    }));
    if (ends) return this.#surfaceDeadline(transcript);
    switch (plan.type) {
      case 'finish':
        this.splice.finish(null);
        return { type: 'finished' };
      case 'close':
        this.splice.finish('tool_use');
        return { type: 'finished' };
      case 'surface':
        return this.#surface(outcome, verdict, plan.cause, transcript);
      case 'restart':
      case 'continue':
        return this.#ask(plan, outcome, verdict, transcript);
    }
  }

  /** Whether to ask again after a break, as far as the verdict on it says. */
  #retryAfter({ retry }: Verdict): Verdict['retry'] {
    const { state } = this.splice;
    if (state.type === 'broken' && state.problem === 'nothing-new') return 'here';
    // Only another target could answer, and there is none.
    return retry === 'elsewhere' && !this.#hasOthers(this.#hop.target) ? 'never' : retry;
  }

  #hasOthers(target: string): boolean {
    return this.#engine.router.hasOthers({ call: this.#call, model: this.#model, body: null, prefer: null, plans: new Map() }, target);
  }

  /** The model that answers. */
  get #model(): string | null {
    const { ledger, model } = this.#call;
    return ledger.degraded?.startsWith('model:') ? ledger.degraded.slice('model:'.length) : model;
  }

  onDone(surfaced: boolean): void {
    const { settings } = this.#engine;
    const call = this.#call;
    this.#noteSeam();
    this.#unlink();
    if (this.#entry.durationMs === null && surfaced) this.#closeLeft();
    else if (this.#entry.durationMs === null) {
      this.#hop.settle(successVerdict);
      this.#closeAttempt(successVerdict, settings.clock.now(), null);
    }
    if (surfaced) {
      const reason = isAborted(call.callers) ? 'aborted' : (this.#told?.kind ?? this.#entry.result ?? 'stream-broken');
      this.#checkpointer?.leave();
      finish(this.#engine, call, reason === 'aborted' ? 'aborted' : 'failed', reason);
      return;
    }
    this.#keep();
    const id = this.splice.message?.['id'];
    if (typeof id === 'string') settings.book.index(id, call.ledger);
    this.#checkpointer?.clear();
    finish(this.#engine, call, 'delivered', null);
  }

  /** One whole generation of the model that was asked may stand in later. */
  #keep(): void {
    const { cache } = this.#engine.settings;
    const { ledger } = this.#call;
    if (
      cache === null ||
      this.#call.credential.isCallers ||
      ledger.degraded !== null ||
      ledger.resumes > 0 ||
      this.splice.stopReason !== 'end_turn'
    )
      return;
    const message = wholeMessage(this.splice.transcript(), 'end_turn');
    if (message) cache.store(this.#call, message);
  }

  onLeave(): void {
    this.#unlink();
    const { state } = this.splice;
    // Not healed, the upstream's own error has reached the reader, who reads no further.
    if (!this.#asking && this.#entry.durationMs === null && state.type === 'broken' && state.problem === 'error')
      return this.#finishTold(state.error ?? {});
    // What is being asked ends first, so that the ledger tells of it.
    if (this.#asking) abortQuietly(this.#asking);
    else this.#finishLeft();
  }

  #finishTold(error: ErrorFacts): void {
    const transcript = this.splice.transcript();
    const verdict = this.#judge({ type: 'stream-error', error }, transcript);
    this.#engine.settings.partials.set(this.#call.ledger, partialOf(transcript));
    this.#tell(storyOfVerdict(verdict));
    this.#checkpointer?.leave();
    finish(this.#engine, this.#call, 'failed', verdict.kind);
  }

  /** What the end of an attempt means, for the target, for the ledger, and for the end of the answer. */
  #judge(outcome: Outcome, transcript: Transcript): Verdict {
    const { clock } = this.#engine.settings;
    const call = this.#call;
    const now = clock.now();
    const verdict = classify(outcome, { now: wallNow(clock), route: call.route, speed: speedOf(call.body) });
    this.#hop.settle(witness({ outcome, verdict, tookMs: now - this.#entry.startedAt, repeated: this.#resumesMade > 0 }));
    if (hasWords(outcome)) this.#said = { outcome, verdict };
    this.#closeAttempt(verdict, now, transcript);
    return verdict;
  }

  #finishLeft(): void {
    this.#checkpointer?.leave();
    if (this.#entry.durationMs === null) this.#closeLeft();
    finish(this.#engine, this.#call, 'aborted', 'aborted');
  }

  /** The caller left: the answer was good as far as it went. */
  #closeLeft(): void {
    this.#hop.settle({ ...successVerdict, countsAs: 'neutral' });
    // It will not tell its output any more.
    this.splice.fail('socket');
    const left: Verdict = { ...successVerdict, kind: 'aborted', countsAs: 'neutral', reason: 'reader-left' };
    this.#closeAttempt(left, this.#engine.settings.clock.now(), this.splice.transcript());
  }

  /** Asks for the rest, or anew, as long as the reader is there. */
  async #ask(
    plan: Extract<Plan, { type: 'restart' | 'continue' }>,
    outcome: Outcome,
    verdict: Verdict,
    transcript: Transcript,
  ): Promise<NextSource> {
    const asking = (this.#asking = new AbortController());
    const call = { ...this.#call, callers: [...this.#call.callers, asking.signal] };
    try {
      return await this.#askFor(call, plan, outcome, verdict, transcript);
    } finally {
      this.#asking = null;
      if (asking.signal.aborted) this.#finishLeft();
    }
  }

  /** Every request counts as a resume, whether it answers or not. */
  async #askFor(
    call: Call,
    plan: Extract<Plan, { type: 'restart' | 'continue' }>,
    outcome: Outcome,
    verdict: Verdict,
    transcript: Transcript,
  ): Promise<NextSource> {
    const model = this.#model;
    // What fails there for everybody is asked for elsewhere.
    const avoid = verdict.scope === 'request' ? null : this.#hop.target;
    for (;;) {
      const resumesLeft = this.#options.resumes - this.#resumesMade;
      if (resumesLeft <= 0) return this.#surface(outcome, verdict, 'resumes-spent', transcript);
      const continuation = plan.type === 'continue' ? this.#continuation(call, plan, transcript, model) : null;
      const before = call.ledger.attempts.length;
      const end = await pursue(this.#engine, {
        call,
        purpose: 'resume',
        model,
        body: continuation?.body ?? null,
        prefer: verdict.scope === 'request' ? this.#hop.target : null,
        avoid,
        attempts: resumesLeft,
        waits: true,
        delayMs: this.#firstDelay(verdict, avoid),
      });
      this.#resumesMade += call.ledger.attempts.length - before;
      if (end.type === 'answered') return this.#resumed(plan, continuation, end, transcript);
      // A model we took for one that accepts a prefill does not: ask once more in the other form.
      if (end.failure?.result.response?.status === 400 && continuation?.form === 'prefill' && !this.#noPrefill) {
        this.#noPrefill = true;
        this.#resumesMade -= 1;
        continue;
      }
      return this.#surfaceEnd(end, outcome, verdict, transcript);
    }
  }

  #continuation(call: Call, plan: Extract<Plan, { type: 'continue' }>, transcript: Transcript, model: string | null): Continuation {
    return continuationBody({
      body: call.body as Record<string, unknown>,
      transcript,
      anchor: plan.anchor,
      model: model ?? '',
      thinks: this.#facts.thinks,
      noPrefill: this.#noPrefill,
    });
  }

  /** The rest of the answer has begun to come. */
  #resumed(
    plan: Extract<Plan, { type: 'restart' | 'continue' }>,
    continuation: Continuation | null,
    { hop, entry, result }: Extract<PursuitEnd, { type: 'answered' }>,
    transcript: Transcript,
  ): NextSource {
    const { ledger } = this.#call;
    this.#hop = hop;
    this.#entry = entry;
    this.#hadBefore = amountOf(transcript);
    ledger.resumes += 1;
    this.#resumeForm = continuation?.form ?? 'restart';
    this.splice.resume(
      plan.type === 'continue' && continuation
        ? {
            type: 'continue',
            index: plan.index,
            seam: {
              form: continuation.form,
              delivered: plan.delivered,
              anchor: plan.anchor,
              trimmed: continuation.trimmed,
              strictness: this.#options.seam,
            },
          }
        : transcript.message === null
          ? { type: 'fresh' }
          : { type: 'restart', nextIndex: plan.type === 'restart' ? plan.nextIndex : 0 },
    );
    if (plan.type === 'restart' && transcript.blocks.length > 0) ledger.notes.push('thinking was shown and then begun anew');
    return { type: 'source', source: sourceOf(result as BegunStream, hop, true) };
  }

  /** Nobody gives the rest: the reader learns why. */
  #surfaceEnd(end: Extract<PursuitEnd, { type: 'gave-up' }>, outcome: Outcome, verdict: Verdict, transcript: Transcript): NextSource {
    const { reason, failure } = end;
    if (reason === 'aborted') return this.#surfaceAborted();
    if (reason === 'deadline' || this.#engine.settings.clock.now() >= this.#call.deadlineAt) return this.#surfaceDeadline(transcript);
    if (failure === null) return this.#surface(outcome, verdict, reason === 'circuit-open' ? 'circuit-open' : 'no-target', transcript);
    // What was refused tells more than the break that made us ask.
    const cause = reason === 'attempts' ? 'resumes-spent' : reason === 'circuit-open' ? 'circuit-open' : 'refused';
    return this.#surface(failure.result.outcome, failure.verdict, cause, transcript);
  }

  /** Streams often break together: even a first continuation is spread a little. Nobody waits for a target that is not asked. */
  #firstDelay(verdict: Verdict, avoid: string | null): number {
    const { settings } = this.#engine;
    const congested = verdict.kind === 'overloaded' || verdict.kind === 'rate-limited';
    const leaves = avoid !== null && this.#hasOthers(avoid);
    if (leaves || (!congested && verdict.waitMs === undefined)) return settings.random() * 250;
    return Math.min(
      settings.maxRetryAfterMs,
      settings.backoff({ attempt: this.#resumesMade + 1, throttled: true, random: settings.random, hintMs: verdict.waitMs }),
    );
  }

  #surfaceAborted(): NextSource {
    return { type: 'surface', event: ownErrorEvent('aborted', this.#tell(storyOfEnding('aborted', null, null))) };
  }

  #surfaceDeadline(transcript: Transcript): NextSource {
    const call = this.#call;
    this.#engine.settings.partials.set(call.ledger, partialOf(transcript));
    return { type: 'surface', event: ownErrorEvent('deadline', this.#tell(storyOfEnding('deadline', null, null))) };
  }

  /** A break without a word, after one that the upstream explained, is told by what was said. */
  #surface(broken: Outcome, judged: Verdict, cause: SurfaceCause, transcript: Transcript): NextSource {
    const call = this.#call;
    this.#engine.settings.partials.set(call.ledger, partialOf(transcript));
    // What the upstream itself said goes on unchanged, but for the facts that let `explain` find the call.
    const { outcome, verdict } = this.#said !== null && !hasWords(broken) ? this.#said : { outcome: broken, verdict: judged };
    const details = { ...this.#tell(storyOfVerdict(verdict)), cause };
    const said = 'error' in outcome ? outcome.error : undefined;
    // Not healed, it has gone on byte for byte already.
    if (broken.type === 'stream-error' && !this.#options.heal) return { type: 'surface', event: new Uint8Array(0) };
    return { type: 'surface', event: ownErrorEvent('stream-broken', details, said) };
  }

  /** What travels with the error that ends the stream. */
  #tell(story: Story): ReturnType<typeof errorDetails> {
    this.#told = story;
    this.#engine.settings.stories.set(this.#call.ledger, { story, cause: undefined });
    return errorDetails(this.#call, story);
  }

  /** `transcript`: what the reader has; null when they have, or get, all of it. */
  #closeAttempt(verdict: Verdict, now: number, transcript: Transcript | null): void {
    if (this.#entry.durationMs !== null) return;
    const usage: TokenCount | null = this.splice.usage()[this.#accounted] ?? null;
    this.#accounted = this.splice.usage().length;
    const discarded = transcript !== null && !this.splice.stopKnown && amountOf(transcript) <= this.#hadBefore;
    closeEntry(this.#engine, this.#call, this.#entry, verdict, now, usage && { ...usage }, discarded);
  }

  #noteSeam(): void {
    const { seamOutcome } = this.splice;
    if (this.#resumeForm === null || (seamOutcome === null && this.#resumeForm !== 'restart')) return;
    const form = this.#resumeForm;
    this.#resumeForm = null;
    const { settings } = this.#engine;
    tell(settings, this.#call, () => ({
      type: 'stream-resumed',
      callId: this.#call.id,
      at: settings.clock.now(),
      form,
      seam: seamOutcome ?? 'none',
    }));
  }
}

const hasWords = (outcome: Outcome): boolean => 'error' in outcome && (outcome.error?.message ?? outcome.error?.type) !== undefined;

/** Grows with everything a reader is given. */
const amountOf = ({ blocks }: Transcript): number => blocks.reduce((sum, { text }) => sum + 1 + text.length, 0);

function partialOf(transcript: Transcript): { content: { type: string; text: string; complete: boolean }[]; text: string } {
  return {
    content: transcript.blocks.map(({ type, text, complete, closed }) => ({ type, text, complete: complete || closed })),
    text: deliveredText(transcript),
  };
}
