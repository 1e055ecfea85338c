import fc from 'fast-check';
import { expect } from 'vitest';
import { holds, wildText } from './testing/holds.ts';
import { ByteLog, TextLog } from './text-log.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: wildText.map((text) => ({ do: 'append' as const, text })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40_000 }).map((length) => ({ do: 'append' as const, text: 'é"x'.repeat(length / 3) })),
  },
  { weight: 1, arbitrary: wildText.map((text) => ({ do: 'room' as const, text })) },
);

holds(
  'what is kept is what a string would be',
  fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const log = new TextLog();
    let all = '';
    for (const each of steps) {
      switch (each.do) {
        case 'append':
          log.appendText(each.text);
          all += each.text;
          break;
        case 'room': {
          // As the fast path writes: straight into the place, if there is one.
          const bytes = new TextEncoder().encode(JSON.stringify(each.text)).slice(1, -1);
          const room = log.room(bytes.length);
          if (room === null) log.append(bytes, 0, bytes.length);
          else {
            room.set(bytes, log.used);
            log.grow(bytes.length);
          }
          all += each.text;
        }
      }
      expect(log.text()).toBe(all);
    }
  }),
  80,
);

holds(
  'bytes come back as they went in',
  fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 30 }), (pieces) => {
    const log = new ByteLog();
    for (const piece of pieces) log.append(piece, 0, piece.length);
    const all = Buffer.concat(pieces);

    expect(log.length).toBe(all.length);
    expect(Buffer.from(log.bytes())).toEqual(all);
    expect(Buffer.concat(log.pieces())).toEqual(all);
  }),
  80,
);
