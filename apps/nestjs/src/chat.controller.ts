// The chat and the summary.

import Anthropic from '@anthropic-ai/sdk';
import { page, type Upstream } from '@holdfast/chat-page';
import { currentScope } from '@holdfast/core/http';
import { claudeResponse, InjectClaude } from '@holdfast/nestjs';
import { BadRequestException, Body, Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { upstreamToken } from './upstream.token.js';

@Controller()
export class ChatController {
  constructor(
    @InjectClaude() private readonly claude: Anthropic,
    @Inject(upstreamToken) private readonly upstream: Upstream,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  index(): string {
    return page('Harbour chat, on NestJS');
  }

  @Post('chat')
  @HttpCode(200)
  chat(@Body() { messages }: { messages?: unknown }): Promise<Response> {
    if (!Array.isArray(messages)) throw new BadRequestException('messages must be a list');
    const stream = this.claude.messages.create({
      model: this.upstream.model,
      max_tokens: 4096,
      messages: messages as Anthropic.MessageParam[],
      stream: true,
    });
    return claudeResponse(stream, { headers: { 'x-call-id': currentScope()?.requestId ?? '' } });
  }

  @Post('summary')
  @HttpCode(200)
  async summary(@Body() { text }: { text?: unknown }): Promise<{ summary: string }> {
    if (typeof text !== 'string') throw new BadRequestException('text must be a string');
    const message = await this.claude.messages.create({
      model: this.upstream.model,
      max_tokens: 1024,
      messages: [{ role: 'user', content: `Summarise this in one paragraph:\n\n${text}` }],
    });
    return { summary: message.content.map((block) => (block.type === 'text' ? block.text : '')).join('') };
  }
}
