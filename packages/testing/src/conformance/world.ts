// One running application with its upstream, as the cases see it.

import type { AdapterUnderTest, AppContext, Dialect, Route, RouteInput, RunningApp, WireRequest } from './adapter.ts';
import { httpDialect } from './http-dialect.ts';
import { scriptedUpstream, upstreamSecrets, type Plan, type ScriptedUpstream } from './scripted-upstream.ts';
import { open, send, start, type OpenReply, type WireReply } from './wire-client.ts';

export type HealthState = 'ok' | 'degraded' | 'down';

export interface World {
  readonly app: RunningApp;
  readonly context: AppContext;
  readonly upstream: ScriptedUpstream;
  readonly dialect: Dialect;
  /** What a reply about a failure must not contain. */
  readonly secrets: readonly string[];
  setHealth(state: HealthState): void;
  /** A prompt of its own for `plan`. */
  prompt(plan: Plan): string;
  requestFor(route: Route, input?: RouteInput, headers?: Readonly<Record<string, string>>): WireRequest;
  /** Asks and reads to the end. */
  ask(route: Route, input?: RouteInput, headers?: Readonly<Record<string, string>>): Promise<WireReply>;
  /** Asks and returns with the headers. */
  open(route: Route, input?: RouteInput, options?: { readonly paused?: boolean }): Promise<OpenReply>;
  /** Asks and returns at once; the returned function leaves. */
  begin(route: Route, input?: RouteInput): () => void;
  close(): Promise<void>;
}

export interface Case {
  readonly name: string;
  /** Needs an application of its own, because it takes it down. */
  readonly fresh?: boolean;
  run(world: World): Promise<void>;
}

export async function createWorld(adapter: AdapterUnderTest): Promise<World> {
  const upstream = await scriptedUpstream();
  let state: HealthState = 'ok';
  let prompts = 0;
  const context: AppContext = {
    baseURL: upstream.url,
    apiKey: 'sk-ant-conformance-secret',
    model: 'claude-conformance-9',
    timeoutMs: 3_000,
    heartbeatMs: 40,
    holdHeadersMs: 300,
    slowReaderMs: 400,
    readinessDelayMs: 150,
    drainMs: 400,
    endMs: 400,
    maxBodyBytes: 64 * 1024,
    health: { health: () => ({ status: state, secret: 'target-in-frankfurt' }) },
    foreignSecret: 'the password is hunter2',
  };
  const app = await adapter.start(context);
  const dialect: Dialect = { ...httpDialect, ...adapter.dialect };
  const requestFor: World['requestFor'] = (route, input = {}, headers = {}) => {
    const request = dialect.request(route, input);
    return { ...request, headers: { ...request.headers, ...headers } };
  };
  return {
    app,
    context,
    upstream,
    dialect,
    secrets: [...upstreamSecrets, context.apiKey, context.model, context.foreignSecret, upstream.url],
    requestFor,
    setHealth: (next) => (state = next),
    prompt(plan) {
      const prompt = `prompt-${(prompts += 1)}`;
      upstream.plan(prompt, plan);
      return prompt;
    },
    ask: (route, input, headers) => send(app.url, requestFor(route, input, headers)),
    open: (route, input, options) => open(app.url, requestFor(route, input), options),
    begin(route, input) {
      const outgoing = start(app.url, requestFor(route, input));
      return () => outgoing.destroy();
    },
    async close() {
      await app.close();
      await upstream.close();
    },
  };
}
