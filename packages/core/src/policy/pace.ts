// Whether a target answers slowly by its own standards: its last answers against those before them.

/** When a target counts as slow. */
export interface SlowOptions {
  /** Slow is so many times the usual time to the first content. At least 1.5, default 4. */
  readonly factor?: number | undefined;
  /** Answers that must be known of a model at a target before any can be called slow. 8 to 64, default 16. */
  readonly minimumSamples?: number | undefined;
  /** How often a slow target gets a call that shows whether it still is, milliseconds. Never more than one call in ten. Default 5000. */
  readonly lookEveryMs?: number | undefined;
}

export const slowDefaults = { factor: 4, minimumSamples: 16, lookEveryMs: 5_000 } as const;

/** The answers that make the usual, and those that are compared with it. Their median is above a chance run of slow ones. */
const usualCount = 64;
const recentCount = 8;
/** Nobody notices less, whatever the factor says. Milliseconds. */
const noticeableMs = 1_000;
/** Quick answers in a row after which a target is quick again. */
const quickToReturn = 3;
/** What was slow for so long is usual: everything is learned anew. Milliseconds. */
const forgetMs = 600_000;
/** Slow again so soon after it was quick again, a target is looked at half as often, down to a sixteenth. Milliseconds. */
const relapseMs = 60_000;
const mostRelapses = 4;
/** A look costs a caller time: no more than one call in so many. */
const callsPerLook = 10;

interface Slow {
  readonly since: number;
  /** Milliseconds; frozen, so that slow answers do not become the standard. */
  readonly usualMs: number;
  quick: number;
  lookAt: number;
  passedOver: number;
}

/**
 * Follows the time to the first content of one model at one target. Slow: the median of the last 8 answers is `factor` times
 * the median of up to 64 before them, and a second more. Quick again: 3 answers in a row within half of that.
 */
export class Pace {
  readonly #factor: number;
  readonly #minimumSamples: number;
  readonly #lookEveryMs: number;
  readonly #onChange: ((slow: boolean, recentMs: number, usualMs: number) => void) | undefined;
  #usual: number[] = [];
  #recent: number[] = [];
  #slow: Slow | null = null;
  #returnedAt = -Infinity;
  #relapses = 0;

  constructor(options: SlowOptions = {}, onChange?: (slow: boolean, recentMs: number, usualMs: number) => void) {
    this.#factor = options.factor ?? slowDefaults.factor;
    this.#minimumSamples = options.minimumSamples ?? slowDefaults.minimumSamples;
    this.#lookEveryMs = options.lookEveryMs ?? slowDefaults.lookEveryMs;
    this.#onChange = onChange;
  }

  /** An answer began `ms` after it was asked for. */
  add(ms: number, now: number): void {
    if (!Number.isFinite(ms) || ms < 0) return;
    if (this.isSlow(now)) return this.#addWhileSlow(this.#slow as Slow, ms, now);
    this.#recent.push(ms);
    if (this.#recent.length <= recentCount) return;
    this.#usual.push(this.#recent.shift() as number);
    if (this.#usual.length > usualCount) this.#usual.shift();
    if (this.#usual.length >= this.#minimumSamples) this.#compare(now);
  }

  /** Others should be asked first. */
  isSlow(now: number): boolean {
    // A clock that was set back has nothing to say about how long it has been slow.
    if (this.#slow !== null && (now - this.#slow.since >= forgetMs || now < this.#slow.since)) {
      this.#quickAgain(this.#slow.usualMs, this.#slow.usualMs);
      this.#usual = [];
    }
    return this.#slow !== null;
  }

  /** A call is about to pass a slow target over. True, now and then: it should go there and see. */
  takeLook(now: number): boolean {
    const slow = this.#slow;
    if (slow === null) return false;
    slow.passedOver += 1;
    if (now < slow.lookAt || slow.passedOver < callsPerLook) return false;
    slow.passedOver = 0;
    slow.lookAt = now + this.#lookMs();
    return true;
  }

  #compare(now: number): void {
    const usualMs = median(this.#usual);
    const recentMs = median(this.#recent);
    if (recentMs < usualMs * this.#factor || recentMs < usualMs + noticeableMs) return;
    this.#relapses = now - this.#returnedAt < relapseMs ? Math.min(this.#relapses + 1, mostRelapses) : 0;
    this.#slow = { since: now, usualMs, quick: 0, lookAt: now + this.#lookMs(), passedOver: 0 };
    this.#onChange?.(true, recentMs, usualMs);
  }

  #addWhileSlow(slow: Slow, ms: number, now: number): void {
    const isQuick = ms < (slow.usualMs * this.#factor) / 2 || ms < slow.usualMs + noticeableMs / 2;
    slow.quick = isQuick ? slow.quick + 1 : 0;
    if (slow.quick < quickToReturn) return;
    this.#returnedAt = now;
    this.#quickAgain(ms, slow.usualMs);
  }

  #quickAgain(recentMs: number, usualMs: number): void {
    this.#slow = null;
    // A full set of new answers must be slow before it is called so again.
    this.#recent = [];
    this.#onChange?.(false, recentMs, usualMs);
  }

  #lookMs(): number {
    return this.#lookEveryMs * 2 ** this.#relapses;
  }
}

/** The lower one of two: in doubt nothing is slow. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] as number;
}

/** A whole answer comes after so many tokens' time before its first: what it takes beyond that is its length. */
const tokensBeforeFirst = 64;

/**
 * The time of a whole answer, as if it were as short as can be: so that a long answer is no slow one. Milliseconds.
 *
 * @param outputTokens tokens written before the answer was sent; 0 for the first content of a stream
 */
export const paceOf = (ms: number, outputTokens: number): number => (ms * tokensBeforeFirst) / (tokensBeforeFirst + outputTokens);
