// Marks on the SDK's own span: one event per attempt, break and degradation. Never a second span.

import { trace, type Span } from '@opentelemetry/api';
import type { HoldfastEvent } from './events.ts';

/** The span the SDK opened for the call now running, or undefined when nobody records it. */
export function recordingSpan(): Span | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() ? span : undefined;
}

/** Writes `event` on `span`. */
export function markSpan(span: Span, event: HoldfastEvent): void {
  switch (event.type) {
    case 'attempt-ended': {
      const { attempt } = event;
      span.addEvent('holdfast.attempt', {
        'holdfast.attempt': attempt.number,
        'holdfast.target': attempt.target,
        'holdfast.purpose': attempt.purpose,
        'holdfast.result': attempt.result ?? 'unknown',
        'holdfast.waited_ms': attempt.waitedMs,
        ...(attempt.status === null ? {} : { 'http.response.status_code': attempt.status }),
      });
      return;
    }
    case 'stream-broke':
      span.addEvent('holdfast.stream_broke', { 'holdfast.kind': event.kind, 'holdfast.plan': event.plan });
      return;
    case 'stream-resumed':
      span.addEvent('holdfast.stream_resumed', { 'holdfast.form': event.form, 'holdfast.seam': event.seam });
      return;
    case 'answer-degraded':
      span.addEvent('holdfast.degraded', { 'holdfast.rung': event.rung });
      return;
    case 'attempt-refused':
      span.addEvent('holdfast.refused', { 'holdfast.reason': event.reason });
      return;
    case 'call-ended':
      span.setAttributes({ 'holdfast.attempts': event.ledger.attempts.length, 'holdfast.resumes': event.ledger.resumes });
      return;
    case 'call-started':
    case 'attempt-started':
    case 'retry-scheduled':
    case 'target-switched':
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
