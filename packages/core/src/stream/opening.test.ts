import { expect, it } from 'vitest';
import { Opening } from './opening.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ping = 'event: ping\ndata: {"type": "ping"}\n\n';

it('counts the bytes of whole events that told nothing, not those of one that is still coming', () => {
  const opening = new Opening();

  expect(opening.push(bytes(ping + ping)).type).toBe('waiting');
  const told = opening.waited;
  expect(opening.push(bytes(`event: content_block_start\ndata: {"content_block":{"data":"${'A'.repeat(100_000)}`)).type).toBe('waiting');

  expect(opening.waited).toBe(told);
  expect(told).toBeGreaterThanOrEqual(2 * ping.length - 2);
  expect(opening.push(bytes('"}}\n\n')).type).toBe('content');
});
