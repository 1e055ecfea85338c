// Registers Claude clients for injection.

import { holdfast, type Holdfast } from '@holdfast/core';
import { Global, Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import { appOptionsToken, HoldfastApp } from './app.ts';
import { HoldfastExceptionFilter } from './exception-filter.ts';
import { HoldfastHealth } from './health.ts';
import { HoldfastInterceptor } from './interceptor.ts';
import type {
  HoldfastAppOptions,
  HoldfastAsyncOptions,
  HoldfastModuleOptions,
  HoldfastOptionsFactory,
  HoldfastRegistration,
} from './options.ts';
import { getClaudeToken, getHoldfastToken } from './tokens.ts';

/** @internal Everything an application has once. Static, so that Nest makes one of it. */
@Global()
@Module({
  providers: [HoldfastApp, HoldfastHealth, HoldfastInterceptor, HoldfastExceptionFilter],
  exports: [HoldfastApp, HoldfastHealth, HoldfastInterceptor, HoldfastExceptionFilter],
})
export class HoldfastAppModule {}

/**
 * Injectable Claude clients with Holdfast in front.
 *
 * @example
 * ```ts
 * @Module({ imports: [HoldfastModule.forRoot({ client: (hold) => new Anthropic({ middleware: [hold] }) })] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class HoldfastModule {
  /** Registers one client. Call it again with another `name` for another client. */
  static forRoot(options: HoldfastModuleOptions & HoldfastRegistration): DynamicModule {
    const { name, isGlobal } = options;
    return register({ name, isGlobal }, [], { provide: optionsToken(name), useValue: options });
  }

  /** The same with options that other providers give. `name` stands beside the factory, because tokens must exist before it runs. */
  static forRootAsync(options: HoldfastAsyncOptions): DynamicModule {
    return register(options, options.imports ?? [], ...optionsProviders(options));
  }

  /** How the application goes down and how long answers are of use; once, in the root module. Everything has a default. */
  static forApp(options: HoldfastAppOptions): DynamicModule {
    return {
      module: HoldfastModule,
      global: true,
      providers: [{ provide: appOptionsToken, useValue: options }],
      exports: [appOptionsToken],
    };
  }
}

const optionsToken = (name = 'default'): string => `HOLDFAST_OPTIONS_${name}`;

function register(
  { name, isGlobal }: { name?: string | undefined; isGlobal?: boolean | undefined },
  imports: NonNullable<DynamicModule['imports']>,
  ...options: Provider[]
): DynamicModule {
  const registration = {};
  const controls: FactoryProvider = {
    provide: getHoldfastToken(name),
    inject: [optionsToken(name), HoldfastApp],
    useFactory: (given: HoldfastModuleOptions, app: HoldfastApp) => {
      const hold = holdfast(given.holdfast);
      app.register(registration, name ?? 'default', hold);
      return hold;
    },
  };
  const client: FactoryProvider = {
    provide: getClaudeToken(name),
    inject: [optionsToken(name), getHoldfastToken(name)],
    useFactory: (given: HoldfastModuleOptions, hold: Holdfast) => given.client(hold),
  };
  return {
    module: HoldfastModule,
    global: isGlobal ?? true,
    imports: [HoldfastAppModule, ...imports],
    providers: [...options, controls, client],
    exports: [controls.provide, client.provide],
  };
}

function optionsProviders({ name, inject, useFactory, useClass, useExisting }: HoldfastAsyncOptions): Provider[] {
  const provide = optionsToken(name);
  if (useFactory) return [{ provide, inject: inject ?? [], useFactory: useFactory as (...dependencies: unknown[]) => unknown }];
  const factory = useClass ?? useExisting;
  if (!factory) throw new Error('HoldfastModule.forRootAsync needs useFactory, useClass or useExisting.');
  const ask: FactoryProvider = { provide, inject: [factory], useFactory: (from: HoldfastOptionsFactory) => from.createHoldfastOptions() };
  return useClass ? [ask, { provide: useClass, useClass }] : [ask];
}
