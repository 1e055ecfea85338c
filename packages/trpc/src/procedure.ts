// A procedure builder to concat: its Claude calls end with the client, and their failures have a kind.

import { createDrain, runInScope, type Drain, type ProblemOptions, type ScopeOptions } from '@holdfast/core/http';
import { newId } from '@holdfast/core';
import { initTRPC, TRPCError } from '@trpc/server';
import { toTRPCError } from './errors.ts';

/** `ctx.claude` in procedures. */
export interface ClaudeContext<Client> {
  /** The SDK client. Its calls inherit the scope when Holdfast is among its middleware. */
  readonly client: Client;
  /** Aborts when the client of the request has left. */
  readonly signal: AbortSignal | undefined;
  readonly requestId: string;
  /** The scope of the request, for code that runs later: `claudeStream` uses it. */
  readonly scope: ScopeOptions;
  /** Where the server is on its way down. */
  readonly drain?: Drain;
  /** How failures are described. */
  readonly problem: ProblemOptions;
}

export interface ClaudeProcedureOptions<Client> extends Omit<ProblemOptions, 'requestId' | 'instance'> {
  readonly client: Client;
  /** Milliseconds an answer is of use. Default: no deadline. */
  readonly deadlineMs?: number;
  /** Whose request it is, from the context; keeps cached answers of tenants apart. Default: none. */
  readonly tenant?: (ctx: object) => string | undefined;
  /** The id of the request, from the context. Default: a new one. */
  readonly requestId?: (ctx: object) => string | undefined;
  /** Refuses new requests while the server goes down. Default: never. */
  readonly drain?: Drain;
}

/**
 * A procedure builder to `concat` to yours: `ctx.claude` makes calls that end with their request and share its deadline, and
 * their failures become TRPCErrors without the upstream's words.
 *
 * @example
 * ```ts
 * const claude = claudeProcedure({ client: new Anthropic({ middleware: [holdfast()] }) });
 * const procedure = t.procedure.concat(claude);
 * ```
 */
// The builder's type is tRPC's own and long; what matters is that it can be given to concat.
export function claudeProcedure<Client>(options: ClaudeProcedureOptions<Client>) {
  const { client, deadlineMs, tenant, requestId: idOf, drain = createDrain(), ...problem } = options;
  // Without this, a plugin's own settings would send stack traces to clients.
  const t = initTRPC.context<object>().create({ isDev: false });
  return t.procedure.use(async ({ ctx, next, signal }) => {
    if (drain.refuses)
      throw new TRPCError({
        code: 'SERVICE_UNAVAILABLE',
        message: 'This server is restarting. Try again at once: another one will answer.',
      });
    const requestId = idOf?.(ctx) ?? newId();
    const scope: ScopeOptions = { signal, deadlineMs, requestId, tenant: tenant?.(ctx) };
    const claude: ClaudeContext<Client> = { client, signal, requestId, scope, drain, problem: { ...problem, requestId } };
    const result = await runInScope(scope, () => next({ ctx: { claude } }));
    if (result.ok) return result;
    const mapped = toTRPCError(result.error.cause, claude.problem);
    return mapped instanceof TRPCError ? { ...result, error: mapped } : result;
  });
}
