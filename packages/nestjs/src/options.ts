// What the module is told.

import type { Holdfast, HoldfastOptions } from '@holdfast/core';
import type { Problem, ProblemOptions } from '@holdfast/core/http';
import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';

export interface HoldfastModuleOptions<Client = unknown> {
  /** Makes the client. Put `hold` last among its middleware: `(hold) => new Anthropic({ middleware: [hold] })`. */
  readonly client: (hold: Holdfast) => Client;
  /** Holdfast's own options. Default: none, every one has a production default. */
  readonly holdfast?: HoldfastOptions;
}

export interface HoldfastRegistration {
  /** Tells several clients apart. Default: `'default'`. */
  readonly name?: string;
  /** The client can be injected everywhere without importing the module again. Default: true. */
  readonly isGlobal?: boolean;
}

export interface HoldfastOptionsFactory {
  createHoldfastOptions(): HoldfastModuleOptions | Promise<HoldfastModuleOptions>;
}

export interface HoldfastAsyncOptions extends HoldfastRegistration, Pick<ModuleMetadata, 'imports'> {
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory?: (...dependencies: never[]) => HoldfastModuleOptions | Promise<HoldfastModuleOptions>;
  readonly useClass?: Type<HoldfastOptionsFactory>;
  readonly useExisting?: Type<HoldfastOptionsFactory>;
}

/** How failed Claude calls are told to clients. */
export interface HoldfastFilterOptions extends Omit<ProblemOptions, 'requestId' | 'instance' | 'userInput'> {
  /** Whether the request to Claude was made of the client's own input, so that a refusal of it is 422. Default: false. */
  readonly userInput?: (request: unknown) => boolean;
  /**
   * Hears of every failure with what the client is told, inside streams too where `HoldfastInterceptor` opened their request:
   * log here.
   */
  readonly onError?: (error: unknown, problem: Problem) => void;
}

/** How the application goes down, and how long an answer is of use. Given once, by `HoldfastModule.forApp`. */
export interface HoldfastAppOptions {
  /** Milliseconds an answer is of use to its request. Default: no deadline. */
  readonly deadlineMs?: number;
  /** Whose request it is, from the framework's request object; keeps cached answers of tenants apart. Default: none. */
  readonly tenant?: (request: unknown) => string | undefined;
  /** How failures are told. */
  readonly errors?: HoldfastFilterOptions;
  /**
   * Milliseconds between "not ready" and closing. Default 5000 when a signal ends the process; 0 when the program calls
   * `app.close()` itself, as tests do.
   */
  readonly readinessDelayMs?: number;
  /** Milliseconds answers may still take then. Default 20000. */
  readonly drainMs?: number;
  /** Milliseconds for ended answers to reach their readers. Default 1000. */
  readonly endMs?: number;
}
