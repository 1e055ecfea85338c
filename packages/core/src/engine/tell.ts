// Hands an event to whoever listens: the emitter, and the SDK's own span of the call.

import type { Settings } from '../settings.ts';
import type { HoldfastEvent } from '../telemetry/events.ts';
import { quietly } from '../telemetry/quietly.ts';
import { markSpan } from '../telemetry/span-events.ts';
import type { Call } from './call.ts';

/** Builds the event only when somebody listens. */
export function tell({ emitter }: Pick<Settings, 'emitter'>, call: Pick<Call, 'span'>, build: () => HoldfastEvent): void {
  if (!emitter.active && !call.span) return;
  const event = build();
  if (emitter.active) emitter.emit(event);
  const { span } = call;
  // A span is of whichever make the application registered: its trouble is not the call's.
  if (span) quietly(() => markSpan(span, event));
}
