// Structured log lines from events: one per attempt and one per call, fields as documented. No prompt or answer text.

import type { HoldfastEvent, Listener } from './events.ts';
import { dateOf, isoTime, systemClock, type Clock } from '../time.ts';
import { ledgerTotal, type Ledger, type LedgerAttempt } from './ledger.ts';
import { oneLine } from './one-line.ts';

/** The SDK's own logger shape; `console` and pino satisfy it. */
export interface Logger {
  debug(...args: unknown[]): void;
  info(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
}

/**
 * `message-first`: `logger.info('holdfast call', fields)`, as `console` wants it.
 * `fields-first`: `logger.info(fields, 'holdfast call')`, as pino wants it.
 */
export type LogShape = 'message-first' | 'fields-first';

type Level = 'debug' | 'info' | 'warn' | 'error';

interface Line {
  readonly level: Level;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** pino marks its loggers with a symbol-keyed stream and a `bindings` method; console has neither. */
const shapeOf = (logger: Logger): LogShape =>
  typeof (logger as { bindings?: unknown }).bindings === 'function' ? 'fields-first' : 'message-first';

/** A listener that writes every event worth a line to `logger`. Timestamps are dates: whoever reads them compares machines. */
export function logListener(logger: Logger, shape: LogShape = shapeOf(logger), clock: Clock = systemClock): Listener {
  return (event) => {
    const line = lineOf(event, isoTime(dateOf(event.at, clock)));
    if (!line) return;
    return shape === 'fields-first' ? logger[line.level](line.fields, line.message) : logger[line.level](line.message, line.fields);
  };
}

function lineOf(event: HoldfastEvent, timestamp: string): Line | null {
  switch (event.type) {
    case 'attempt-ended':
      return {
        level: event.verdict.kind === 'success' ? 'debug' : 'warn',
        message: 'holdfast attempt',
        fields: { event: event.type, call_id: oneLine(event.callId), timestamp, ...attemptFields(event.attempt) },
      };
    case 'call-ended':
      return {
        level: event.ledger.result === 'failed' ? 'error' : event.ledger.degraded ? 'warn' : 'info',
        message: 'holdfast call',
        fields: { event: event.type, timestamp, ...callFields(event.ledger) },
      };
    case 'call-started':
    case 'attempt-started':
      return null;
    case 'retry-scheduled':
      return { level: 'debug', message: 'holdfast retry', fields: flat(event, timestamp) };
    // Said at every look at the targets, several times in a call.
    case 'fence-denied':
    case 'target-ineligible':
      return { level: 'debug', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
    case 'turn-awaited':
    case 'stream-resumed':
    case 'target-switched':
      return { level: 'info', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
    case 'breaker-changed':
      return { level: event.to === 'closed' ? 'info' : 'warn', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
    case 'target-pace-changed':
      return { level: event.slow ? 'warn' : 'info', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
    case 'attempt-refused':
    case 'stream-broke':
    case 'answer-degraded':
    case 'checkpoint-failed':
      return { level: 'warn', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
    case 'target-misconfigured':
    case 'target-disabled':
      return { level: 'error', message: `holdfast ${event.type}`, fields: flat(event, timestamp) };
  }
}

function attemptFields(attempt: LedgerAttempt): Record<string, unknown> {
  return {
    attempt: attempt.number,
    purpose: attempt.purpose,
    why: attempt.why,
    target: attempt.target,
    model: oneLine(attempt.model),
    status: attempt.status,
    request_id: oneLine(attempt.requestId),
    result: attempt.result,
    reason: oneLine(attempt.reason),
    waited_ms: attempt.waitedMs,
    first_content_ms: attempt.firstContentMs,
    duration_ms: attempt.durationMs,
    retry_after_ms: attempt.retryAfterMs,
    input_tokens: attempt.usage?.input ?? null,
    output_tokens: attempt.usage?.output ?? null,
    tokens_estimated: attempt.usage?.estimated ?? null,
    discarded: attempt.discarded,
  };
}

function callFields(ledger: Ledger): Record<string, unknown> {
  const total = ledgerTotal(ledger);
  const last = ledger.attempts.at(-1);
  return {
    call_id: oneLine(ledger.callId),
    tenant: oneLine(ledger.tenant),
    route: ledger.route,
    model: oneLine(ledger.model),
    stream: ledger.stream,
    result: ledger.result,
    failure: ledger.failure,
    degraded: ledger.degraded,
    resumes: ledger.resumes,
    attempts: ledger.attempts.length,
    target: last?.target ?? null,
    request_id: oneLine(last?.requestId ?? null),
    duration_ms: ledger.durationMs,
    input_tokens: total.input,
    output_tokens: total.output,
    tokens_estimated: total.estimated,
  };
}

function flat({ type, ...rest }: HoldfastEvent, timestamp: string): Record<string, unknown> {
  const fields: Record<string, unknown> = { event: type, timestamp };
  for (const [name, value] of Object.entries(rest)) {
    if (name === 'at') continue;
    fields[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = typeof value === 'string' ? oneLine(value) : value;
  }
  return fields;
}
