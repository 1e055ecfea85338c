// The switches of the page, and what a call took.

import { summaryOf, type Switch, type Upstream } from '@holdfast/chat-page';
import type { Holdfast } from '@holdfast/core';
import type { HealthProbe } from '@holdfast/core/http';
import { HoldfastHealth, InjectHoldfast } from '@holdfast/nestjs';
import { Controller, Get, HttpCode, Inject, NotFoundException, Param, Post } from '@nestjs/common';
import { upstreamToken } from './upstream.token.js';

@Controller()
export class DemoController {
  constructor(
    @Inject(upstreamToken) private readonly upstream: Upstream,
    @InjectHoldfast() private readonly hold: Holdfast,
    @Inject(HoldfastHealth) private readonly holdfastHealth: HoldfastHealth,
  ) {}

  @Get('health/:probe')
  health(@Param('probe') probe: string): Response {
    if (!['live', 'ready', 'status'].includes(probe)) throw new NotFoundException();
    const { status, headers, body } = this.holdfastHealth.reply(probe as HealthProbe);
    return new Response(JSON.stringify(body), { status, headers });
  }

  @Get('demo/switches')
  switches(): readonly Switch[] {
    return this.upstream.switches;
  }

  @Post('demo/switches/:name')
  @HttpCode(204)
  flip(@Param('name') name: string): void {
    if (!this.upstream.flip(name)) throw new NotFoundException();
  }

  @Get('demo/calls/:id')
  call(@Param('id') id: string): { summary: string } {
    const ledger = this.hold.attempts(id);
    if (!ledger) throw new NotFoundException();
    return { summary: summaryOf(ledger) };
  }
}
