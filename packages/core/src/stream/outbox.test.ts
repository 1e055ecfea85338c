import { expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

it('gives a single piece as it is, several in one, and each of them once', () => {
  const outbox = new Outbox();
  const piece = Uint8Array.of(1, 2);
  expect(outbox.take()).toBeNull();

  outbox.put(piece);
  expect(outbox.length).toBe(2);
  expect(outbox.take()).toBe(piece);

  for (const each of [piece, Uint8Array.of(3), Uint8Array.of(4, 5)]) outbox.put(each);
  expect(outbox.length).toBe(5);
  expect([...(outbox.take() ?? [])]).toEqual([1, 2, 3, 4, 5]);
  expect(outbox.length).toBe(0);
  expect(outbox.take()).toBeNull();

  outbox.put(piece);
  expect(outbox.take()).toBe(piece);
});
