// What one application has once, whatever number of clients: where it is on its way down, and which clients it has.

import type { Holdfast } from '@holdfast/core';
import { createDrain, gracefulShutdown, type ClosableServer, type Drain } from '@holdfast/core/http';
import { Inject, Injectable, Optional, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { HoldfastAppOptions } from './options.ts';

/** @internal The token of `HoldfastAppOptions`. */
export const appOptionsToken = 'HOLDFAST_APP_OPTIONS';

/**
 * The application's side of Holdfast. With `app.enableShutdownHooks()` (or `app.close()`) it goes down in order: not ready,
 * then closed to new requests, then running streams end with an error that their readers can see.
 */
@Injectable()
export class HoldfastApp implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly drain: Drain = createDrain();
  /** Controls by the name of their client. */
  readonly controls: Map<string, Holdfast> = new Map();
  readonly options: HoldfastAppOptions;
  readonly #host: HttpAdapterHost | undefined;

  constructor(
    @Inject(appOptionsToken) @Optional() options: HoldfastAppOptions | undefined,
    @Inject(HttpAdapterHost) @Optional() host: HttpAdapterHost | undefined,
  ) {
    this.options = options ?? {};
    this.#host = host;
  }

  async beforeApplicationShutdown(): Promise<void> {
    const server = this.#host?.httpAdapter?.getHttpServer() as ClosableServer | undefined;
    if (!server?.listening) return;
    const { readinessDelayMs, drainMs, endMs } = this.options;
    await gracefulShutdown(server, { drain: this.drain, signals: [], readinessDelayMs, drainMs, endMs }).shutdown();
  }

  onApplicationShutdown(): void {
    for (const hold of this.controls.values()) hold.close();
  }
}
