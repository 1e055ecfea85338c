// A procedure builder to concat: its Claude calls end with the client, and their failures have a kind.

import { createDrain, currentScope, problemOfKind, type Drain, type ProblemOptions, type ScopeOptions } from '@holdfast/core/http';
import { newId } from '@holdfast/core';
import { initTRPC } from '@trpc/server';
import { errorOf, isTRPCError, toTRPCError } from './errors.ts';
import { goesOn, openScope, watched } from './iterate.ts';

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
  /** Whose request it is, from the context; keeps cached answers of tenants apart. Default: that of the surrounding scope, or none. */
  readonly tenant?: (ctx: object) => string | undefined;
  /** The id of the request, from the context. Default: that of the surrounding scope, or a new one. */
  readonly requestId?: (ctx: object) => string | undefined;
  /**
   * Aborts when the client has left, from the context, where tRPC does not tell procedures: for queries and mutations over
   * WebSocket, `info.signal` of `createContext`. Default: only what tRPC tells.
   */
  readonly signal?: (ctx: object) => AbortSignal | undefined;
  /** Refuses new requests while the server goes down, and ends what still runs when it has to. Default: never. */
  readonly drain?: Drain;
}

/**
 * A procedure builder to `concat` to yours: `ctx.claude` makes calls that end with their request and share its deadline, and
 * their failures become TRPCErrors without the upstream's words. That holds for async generators too, as long as they are read.
 *
 * @example
 * ```ts
 * const claude = claudeProcedure({ client: new Anthropic({ middleware: [holdfast()] }) });
 * const procedure = t.procedure.concat(claude);
 * ```
 */
// The builder's type is tRPC's own and long; what matters is that it can be given to concat.
export function claudeProcedure<Client>(options: ClaudeProcedureOptions<Client>) {
  const { client, deadlineMs, tenant, requestId: idOf, signal: signalOf, drain = createDrain(), ...problem } = options;
  // Without this, a plugin's own settings would send stack traces to clients.
  const t = initTRPC.context<object>().create({ isDev: false });
  return t.procedure.use(async ({ ctx, next, signal: told }) => {
    const around = currentScope();
    const requestId = idOf?.(ctx) ?? around?.requestId ?? newId();
    if (drain.refuses) throw errorOf(problemOfKind('shutting-down', { ...problem, requestId }));
    const signal = anyOf(told, signalOf?.(ctx));
    const scope: ScopeOptions = { signal, deadlineMs, requestId, tenant: tenant?.(ctx) ?? around?.tenant };
    const claude: ClaudeContext<Client> = { client, signal, requestId, scope, drain, problem: { ...problem, requestId } };
    const mapError = (error: unknown): unknown => toTRPCError(error, claude.problem);
    const stop = new AbortController();
    const run = openScope({ ...scope, signal: anyOf(signal, stop.signal) });
    const result = await run(() => next({ ctx: { claude } }));
    if (!result.ok) {
      // tRPC has made a TRPCError of whatever was thrown.
      const mapped = mapError(result.error);
      return isTRPCError(mapped) ? { ...result, error: mapped } : result;
    }
    if (!goesOn(result.data)) return result;
    const onDeadline = (): unknown => errorOf(problemOfKind('shutting-down', claude.problem));
    const watch = { claude, run, left: signal, deadline: drain.deadline, onDeadline, mapError, stop: () => stop.abort() };
    return { ...result, data: watched(result.data, watch) };
  });
}

function anyOf(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
