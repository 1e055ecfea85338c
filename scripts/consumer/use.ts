// A stranger's strict TypeScript.
import Anthropic from '@anthropic-ai/sdk';
import { callOptions, holdfast, type Explanation, type Ledger } from '@holdfast/core';
import { CircuitBreaker } from '@holdfast/core/policy';

const hold = holdfast({
  retry: { attempts: 4 },
  breaker: 'classic',
  fallbacks: [{ model: 'claude-haiku-5-5', accept: (message) => message.content.length > 0 }],
});
const client = new Anthropic({ middleware: [hold] });

export async function ask(text: string): Promise<{ ledger: Ledger | undefined } | { why: Explanation }> {
  try {
    const message = await client.messages.create(
      { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user', content: text }] },
      callOptions({ deadlineMs: 5_000 }),
    );
    return { ledger: hold.attempts(message) };
  } catch (error) {
    return { why: hold.explain(error) };
  }
}

export const breaker = new CircuitBreaker({ consecutiveFailures: 3 });
