// The names under which clients and controls are injected.

import { Inject } from '@nestjs/common';

const defaultName = 'default';

/** The token of a Claude client: for `overrideProvider` in tests and for `inject` in factories. */
export const getClaudeToken = (name: string = defaultName): string => `HOLDFAST_CLAUDE_${name}`;

/** The token of the controls that belong to a client. */
export const getHoldfastToken = (name: string = defaultName): string => `HOLDFAST_CONTROLS_${name}`;

/** Injects the Claude client: the SDK's own, with Holdfast among its middleware. */
export const InjectClaude = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getClaudeToken(name));

/** Injects Holdfast's controls: `health`, `attempts`, `explain`, `on`, `describe`. */
export const InjectHoldfast = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getHoldfastToken(name));
