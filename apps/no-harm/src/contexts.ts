// The context manager of OpenTelemetry, as an application has one.

import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT, type Context } from '@opentelemetry/api';

let used = false;

/** Makes `context.with` reach through awaits, once for the process. */
export function useContexts(): void {
  if (used) return;
  used = true;
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) => storage.run(active, () => run.apply(self as never, args)),
    bind: (_active, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
}
