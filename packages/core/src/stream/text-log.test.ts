import { describe, expect, it } from 'vitest';
import { ByteLog, TextLog } from './text-log.ts';

const encoder = new TextEncoder();

describe('a log of bytes', () => {
  it('keeps everything in order, however much and in whatever pieces it comes', () => {
    const log = new ByteLog();
    const expected: number[] = [];
    for (let i = 0; i < 400; i += 1) {
      const piece = Uint8Array.from({ length: (i * 37) % 300 }, (_, n) => (i + n) % 256);
      log.append(piece, 0, piece.length);
      expected.push(...piece);
    }

    expect(log.length).toBe(expected.length);
    expect([...log.bytes()]).toEqual(expected);
    expect(log.pieces().flatMap((piece) => [...piece])).toEqual(expected);
  });

  it('takes a piece larger than any segment', () => {
    const log = new ByteLog();
    const small = Uint8Array.of(1, 2, 3);
    const large = new Uint8Array(100_000).fill(7);
    log.append(small, 1, 3);
    log.append(large, 0, large.length);
    log.append(small, 0, 2);

    expect(log.length).toBe(100_004);
    expect([...log.bytes().subarray(0, 3)]).toEqual([2, 3, 7]);
    expect([...log.bytes().subarray(-3)]).toEqual([7, 1, 2]);
  });

  it('keeps little in one place, and much in places that are not moved any more', () => {
    const log = new ByteLog();
    const bytes = new Uint8Array(3 * 1024).fill(7);
    const pieces = (): number[] => log.pieces().map(({ length }) => length);

    expect(pieces()).toEqual([]);
    for (let kept = 0; kept < 16; kept += 1) log.append(bytes, 2_000, 2_000 + 1024);
    expect(pieces()).toEqual([16 * 1024]);
    for (let kept = 0; kept < 24; kept += 1) log.append(bytes, 2_000, 2_000 + 1024);
    expect(pieces()).toEqual([16 * 1024, 16 * 1024, 8 * 1024]);
  });

  it('takes as much room as it needs, and more of it at a time the more it keeps', () => {
    const log = new ByteLog();
    const places = new Set<unknown>();
    for (let kept = 0; kept < 16 * 1024; kept += 1) {
      log.append(Uint8Array.of(7), 0, 1);
      places.add(log.room(0));
      if (kept === 10) expect(log.room(0)?.length).toBeLessThan(1024);
    }
    expect(places.size).toBeLessThan(10);

    const large = new ByteLog();
    large.append(new Uint8Array(100_000), 40_000, 100_000);
    expect(large.pieces()).toHaveLength(1);
    expect(large.room(1)).toBeNull();
  });

  it('gives the room that is left to be written into, and no more', () => {
    const log = new ByteLog();
    log.append(Uint8Array.of(1, 2), 0, 2);
    const room = log.room(1) as Uint8Array;
    const left = room.length - log.used;

    expect(log.room(left)).toBe(room);
    expect(log.room(left + 1)).toBeNull();
    room[log.used] = 3;
    log.grow(1);
    expect([...log.bytes()]).toEqual([1, 2, 3]);
  });
});

describe('a log of text', () => {
  const parts = ['plain', ' "quoted" \\ back', '\n\t\u0007', 'é 日本 🎉', '</script>', '\u2028'];

  it('gives back what was appended as text or as it stood in JSON', () => {
    const log = new TextLog();
    for (const part of parts) {
      log.appendText(part);
      const escaped = encoder.encode(JSON.stringify(part));
      log.append(escaped, 1, escaped.length - 1);
    }

    expect(log.text()).toBe(parts.flatMap((part) => [part, part]).join(''));
  });

  it('is empty where nothing was said', () => {
    const log = new TextLog();
    expect(log.text()).toBe('');
    log.appendText('');

    expect([log.length, log.text()]).toEqual([0, '']);
  });

  it('puts the halves of a character together that came escaped in two deltas', () => {
    const log = new TextLog();
    for (const half of ['\\ud83c', '\\udf89']) log.append(encoder.encode(half), 0, half.length);

    expect(log.text()).toBe('🎉');
  });
});
