// Writes attempts into the ledger of a call.

import type { Verdict } from '../policy/verdict.ts';
import type { Settings } from '../settings.ts';
import type { LedgerAttempt, TokenCount } from '../telemetry/ledger.ts';
import type { Call } from './call.ts';
import type { Hop } from './hop.ts';
import { tell } from './tell.ts';

/** The verdict of an answer that came whole. */
export const successVerdict: Verdict = {
  kind: 'success',
  retry: 'never',
  scope: 'request',
  countsAs: 'success',
  billed: 'yes',
  reason: 'success',
  action: 'Nothing to do.',
};

/** An attempt begins. */
export function openEntry(
  { ledger }: Call,
  purpose: LedgerAttempt['purpose'],
  { target, model, why, leftOut }: Hop,
  startedAt: number,
  waitedMs: number,
): LedgerAttempt {
  const entry: LedgerAttempt = {
    number: ledger.attempts.length + 1,
    target,
    model,
    purpose,
    why,
    leftOut,
    startedAt,
    waitedMs,
    headersMs: null,
    firstContentMs: null,
    durationMs: null,
    status: null,
    requestId: null,
    result: null,
    reason: null,
    retry: null,
    retryAfterMs: null,
    billed: null,
    usage: null,
    discarded: false,
  };
  ledger.attempts.push(entry);
  return entry;
}

export function noteResponse(entry: LedgerAttempt, response: Response | null): void {
  if (!response) return;
  entry.status = response.status;
  const { headers } = response;
  // AWS and Azure name it differently.
  entry.requestId = headers.get('request-id') ?? headers.get('x-amzn-requestid') ?? headers.get('apim-request-id');
}

/** Writes down how an attempt ended and tells everybody. */
export function closeEntry(
  { settings }: { readonly settings: Settings },
  call: Call,
  entry: LedgerAttempt,
  verdict: Verdict,
  now: number,
  usage: TokenCount | null,
  discarded: boolean = verdict.kind !== 'success',
): void {
  entry.durationMs = now - entry.startedAt;
  entry.result = verdict.kind;
  entry.reason = verdict.reason;
  entry.retry = verdict.retry;
  entry.retryAfterMs = verdict.waitMs ?? null;
  entry.billed = verdict.billed;
  entry.usage = usage;
  entry.discarded = discarded;
  if (entry.requestId) settings.book.index(entry.requestId, call.ledger);
  tell(settings, call, () => ({ type: 'attempt-ended', callId: call.id, at: now, attempt: entry, verdict }));
}
