// What one application has once, whatever number of clients: where it is on its way down, and which clients it has.

import type { Holdfast } from '@holdfast/core';
import {
  createDrain,
  gracefulShutdown,
  problem,
  problemOfCall,
  quietly,
  type ClosableServer,
  type Drain,
  type Problem,
} from '@holdfast/core/http';
import {
  Inject,
  Injectable,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { HoldfastAppOptions } from './options.ts';
import { rawRequest, requestIdOf } from './request-context.ts';

/** @internal The token of `HoldfastAppOptions`. */
export const appOptionsToken = 'HOLDFAST_APP_OPTIONS';

/**
 * The application's side of Holdfast. With `app.enableShutdownHooks()` (or `app.close()`) it goes down in order: not ready,
 * then closed to new requests, then running streams end with an error that their readers can see.
 */
@Injectable()
export class HoldfastApp implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly drain: Drain = createDrain();
  readonly options: HoldfastAppOptions;
  readonly #host: HttpAdapterHost | undefined;
  /** By their registration: two modules may have given their clients the same name. */
  readonly #registered = new Map<object, { readonly name: string; readonly hold: Holdfast }>();
  #server: ClosableServer | undefined;
  #readinessDelayMs = 0;
  #goDown: () => Promise<void> = () => Promise.resolve();

  constructor(
    @Inject(appOptionsToken) @Optional() options: HoldfastAppOptions | undefined,
    @Inject(HttpAdapterHost) @Optional() host: HttpAdapterHost | undefined,
  ) {
    this.options = options ?? {};
    this.#host = host;
  }

  /** Controls by the name of their client; where modules share a name, the later ones are numbered: `default`, `default-2`. */
  get controls(): ReadonlyMap<string, Holdfast> {
    const controls = new Map<string, Holdfast>();
    for (const { name, hold } of this.#registered.values()) {
      let label = name;
      for (let number = 2; controls.has(label); number += 1) label = `${name}-${number}`;
      controls.set(label, hold);
    }
    return controls;
  }

  /** All that were registered under `name`. */
  controlsOf(name: string): Holdfast[] {
    return [...this.#registered.values()].filter((one) => one.name === name).map(({ hold }) => hold);
  }

  /** @internal A registration that is made again (for each request, say) has its latest controls here. */
  register(registration: object, name: string, hold: Holdfast): void {
    this.#registered.set(registration, { name, hold });
  }

  /**
   * @internal What a client is told of `error`, and whoever listens hears of it. `mapping`: `problemOfCall` for what broke
   * inside a stream, whose bare connection errors do not look like Claude's.
   */
  problemOf(error: unknown, request?: object, mapping: typeof problem = problem): Problem {
    const { userInput, onError, ...options } = this.options.errors ?? {};
    const raw = request && rawRequest(request);
    const told = mapping(error, {
      ...options,
      userInput: request && userInput?.(request),
      requestId: raw && requestIdOf(raw),
      instance: raw?.url?.split('?', 1)[0],
    });
    quietly(() => onError?.(error, told));
    return told;
  }

  /** @internal Whoever listens hears of what broke inside a stream, as its reader is told. */
  tellOfStream(error: unknown, request: object): void {
    this.problemOf(error, request, problemOfCall);
  }

  onModuleInit(): void {
    this.#server = (this.#host?.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined)?.getHttpServer() as ClosableServer | undefined;
    if (typeof this.#server?.close !== 'function') return;
    // From before it listens, because the sessions of HTTP/2 are only known by their opening.
    const { drainMs, endMs } = this.options;
    const readinessDelay = (): number => this.#readinessDelayMs;
    this.#goDown = gracefulShutdown(this.#server, {
      drain: this.drain,
      signals: [],
      drainMs,
      endMs,
      get readinessDelayMs() {
        return readinessDelay();
      },
    }).shutdown;
  }

  /** `signal`: what Nest was told to end by. A program that closes its application itself, as tests do, has no load balancer to wait for. */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    if (!this.#server?.listening) return;
    this.#readinessDelayMs = this.options.readinessDelayMs ?? (signal ? 5_000 : 0);
    await this.#goDown();
  }

  onApplicationShutdown(): void {
    for (const { hold } of this.#registered.values()) hold.close();
  }
}
