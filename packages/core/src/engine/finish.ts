// Closes the ledger of a call and tells everybody.

import type { Settings } from '../settings.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import type { Call } from './call.ts';
import { tell } from './tell.ts';

/** `failure`: why it failed, in `explain`'s words. Only the first call counts. */
export function finish(
  { settings }: { readonly settings: Settings },
  call: Call,
  result: NonNullable<Ledger['result']>,
  failure: string | null,
): void {
  const { ledger } = call;
  if (ledger.result !== null) return;
  const now = settings.clock.now();
  ledger.result = result;
  ledger.failure = failure;
  ledger.durationMs = now - call.startedAt;
  tell(settings, call, () => ({ type: 'call-ended', callId: call.id, at: now, ledger }));
}
