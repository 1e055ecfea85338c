// A ledger as lines for people: one for each attempt, and what came of it all.

import { ledgerTotal, type Ledger, type LedgerAttempt } from '@holdfast/core';

const columns = ['', 'purpose', 'target', 'model', 'status', 'result', 'reason', 'waited', 'first', 'took', 'in', 'out', ''];

export function printLedger(ledger: Ledger): string {
  const rows = [columns, ...ledger.attempts.map(rowOf)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`call ${ledger.callId}`, ...table, summaryOf(ledger)].join('\n');
}

function rowOf(attempt: LedgerAttempt): string[] {
  const { usage } = attempt;
  return [
    `${attempt.number}.`,
    attempt.purpose,
    attempt.target,
    attempt.model ?? '-',
    String(attempt.status ?? '-'),
    attempt.result ?? 'running',
    attempt.reason ?? '-',
    time(attempt.waitedMs),
    time(attempt.firstContentMs),
    time(attempt.durationMs),
    usage ? String(usage.input + usage.cacheRead + usage.cacheCreation) : '-',
    usage ? `${usage.estimated ? '~' : ''}${usage.output}` : '-',
    attempt.discarded ? 'discarded' : '',
  ];
}

function summaryOf(ledger: Ledger): string {
  const { input, output, cacheRead, cacheCreation, estimated } = ledgerTotal(ledger);
  const parts = [
    `${ledger.result ?? 'running'}${ledger.failure ? ` (${ledger.failure})` : ''} after ${time(ledger.durationMs)}`,
    `${ledger.attempts.length} requests`,
    `${ledger.resumes} resumes`,
    ...(ledger.degraded ? [`degraded to ${ledger.degraded}`] : []),
    `${input + cacheRead + cacheCreation} tokens in, ${output} out${estimated ? ', partly estimated' : ''}`,
  ];
  return parts.join('; ');
}

const time = (ms: number | null): string => (ms === null ? '-' : `${Math.round(ms)} ms`);
