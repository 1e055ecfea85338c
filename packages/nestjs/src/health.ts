// Health for probes and for Terminus.

import { healthReply, type HealthOptions, type HealthProbe, type HealthReply, type HealthSource } from '@holdfast/core/http';
import { Inject, Injectable } from '@nestjs/common';
import { HoldfastApp } from './app.ts';

/** What Terminus expects of an indicator. */
export type HoldfastIndicatorResult = Record<string, { status: 'up' | 'down'; degraded?: boolean; draining?: boolean }>;

/** How the clients are, for a health controller of yours or for Terminus. */
@Injectable()
export class HoldfastHealth {
  readonly #app: HoldfastApp;
  readonly #further = new Map<string, HealthSource>();

  constructor(@Inject(HoldfastApp) app: HoldfastApp) {
    this.#app = app;
  }

  /** Counts something else in, under a name of its own. */
  add(name: string, source: HealthSource): void {
    this.#further.set(name, source);
  }

  /** The reply to a probe: `live`, `ready` (503 while going down, or when nothing answers any more) or `status`. */
  reply(probe: HealthProbe, options: Omit<HealthOptions, 'draining'> = {}): HealthReply {
    return healthReply(probe, this.#sources(), { ...options, draining: this.#isDraining() });
  }

  /**
   * A Terminus indicator for readiness: `health.check([() => holdfast.check('claude')])`. Degraded is up, because traffic is
   * still served; an application that goes down is down, like its ready probe.
   *
   * @param name the client's name; default: all of them together
   */
  check(key: string, name?: string): HoldfastIndicatorResult {
    if (this.#isDraining()) return { [key]: { status: 'down', draining: true } };
    const named = name === undefined ? [] : Object.entries(this.#app.controlsOf(name));
    const { body } = healthReply('status', named.length > 0 ? Object.fromEntries(named) : this.#sources());
    return {
      [key]: body.status === 'down' ? { status: 'down' } : { status: 'up', ...(body.status === 'degraded' ? { degraded: true } : {}) },
    };
  }

  #isDraining(): boolean {
    return this.#app.drain.state !== 'serving';
  }

  #sources(): Record<string, HealthSource> {
    return Object.fromEntries([...this.#app.controls, ...this.#further]);
  }
}
