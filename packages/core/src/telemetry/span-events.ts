// Marks on the SDK's own span: one event per attempt, wait, change of target, break and degradation. Never a second span.

import { trace, type Attributes, type Span } from '@opentelemetry/api';
import type { HoldfastEvent } from './events.ts';
import { ledgerTotal, type Ledger, type LedgerAttempt } from './ledger.ts';
import { oneLine } from './one-line.ts';

/** The span the SDK opened for the call now running, or undefined when nobody records it. */
export function recordingSpan(): Span | undefined {
  try {
    const span = trace.getActiveSpan();
    return span?.isRecording() ? span : undefined;
  } catch {
    return undefined;
  }
}

/** Writes `event` on `span`. */
export function markSpan(span: Span, event: HoldfastEvent): void {
  switch (event.type) {
    case 'attempt-ended':
      span.addEvent('holdfast.attempt', attemptAttributes(event.attempt));
      return;
    case 'retry-scheduled':
      span.addEvent('holdfast.retry', { 'holdfast.kind': event.kind, 'holdfast.where': event.where, 'holdfast.delay_ms': event.delayMs });
      return;
    case 'target-switched':
      span.addEvent('holdfast.failover', { 'holdfast.from': event.from, 'holdfast.to': event.to, 'holdfast.why': event.why });
      return;
    case 'stream-broke':
      span.addEvent('holdfast.stream_broke', { 'holdfast.kind': event.kind, 'holdfast.plan': event.plan });
      return;
    case 'stream-resumed':
      span.addEvent('holdfast.stream_resumed', { 'holdfast.form': event.form, 'holdfast.seam': event.seam });
      return;
    case 'answer-degraded':
      span.addEvent('holdfast.degraded', { 'holdfast.rung': event.rung, 'holdfast.why': event.why });
      return;
    case 'attempt-refused':
      span.addEvent(
        'holdfast.refused',
        known({ 'holdfast.reason': event.reason, 'holdfast.target': event.target, 'holdfast.retry_after_ms': event.retryAfterMs }),
      );
      return;
    case 'turn-awaited':
      span.addEvent('holdfast.awaited', { 'holdfast.target': event.target, 'holdfast.why': event.why, 'holdfast.wait_ms': event.waitMs });
      return;
    case 'call-ended':
      span.setAttributes(callAttributes(event.ledger));
      return;
    case 'call-started':
    case 'attempt-started':
    case 'fence-denied':
    case 'target-ineligible':
    case 'target-misconfigured':
    case 'checkpoint-failed':
    case 'breaker-changed':
    case 'target-pace-changed':
    case 'target-disabled':
      return;
  }
}

function attemptAttributes(attempt: LedgerAttempt): Attributes {
  return known({
    'holdfast.attempt': attempt.number,
    'holdfast.target': attempt.target,
    'gen_ai.request.model': oneLine(attempt.model),
    'holdfast.purpose': attempt.purpose,
    'holdfast.result': attempt.result,
    'holdfast.reason': oneLine(attempt.reason),
    'holdfast.waited_ms': attempt.waitedMs,
    'holdfast.first_content_ms': attempt.firstContentMs,
    'holdfast.duration_ms': attempt.durationMs,
    'http.response.status_code': attempt.status,
    'anthropic.request.id': oneLine(attempt.requestId),
    'gen_ai.usage.input_tokens': attempt.usage?.input,
    'gen_ai.usage.output_tokens': attempt.usage?.output,
  });
}

function callAttributes(ledger: Ledger): Attributes {
  const total = ledgerTotal(ledger);
  return known({
    'holdfast.call_id': oneLine(ledger.callId),
    'holdfast.result': ledger.result,
    'holdfast.failure': ledger.failure,
    'holdfast.attempts': ledger.attempts.length,
    'holdfast.resumes': ledger.resumes,
    'holdfast.degraded': ledger.degraded,
    'holdfast.input_tokens': total.input,
    'holdfast.output_tokens': total.output,
    'holdfast.tokens_estimated': total.estimated,
  });
}

/** Without what is not known. */
const known = (attributes: Record<string, string | number | boolean | null | undefined>): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value != null));
