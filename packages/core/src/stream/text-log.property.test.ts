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
  fc.constant({ do: 'settle' as const }),
  fc.constant({ do: 'rollback' as const }),
);

holds(
  'what is kept, settled and taken back is what a string would be',
  fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const log = new TextLog();
    let all = '';
    let settled = '';
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
          break;
        }
        case 'settle':
          log.settle();
          settled = all;
          break;
        case 'rollback':
          log.rollback();
          all = settled;
      }
      expect(log.text()).toBe(all);
      expect(log.delivered()).toBe(settled);
    }
  }),
  80,
);

holds(
  'bytes come back as they went in, cut off where they were',
  fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 20_000 })), { maxLength: 30 }), (steps) => {
    const log = new ByteLog();
    let all = new Uint8Array(0);
    for (const each of steps) {
      if (typeof each === 'number') {
        log.truncate(each);
        all = all.slice(0, each);
      } else {
        log.append(each, 0, each.length);
        all = Uint8Array.from([...all, ...each]);
      }
      expect(log.length).toBe(all.length);
    }
    expect(log.bytes()).toEqual(all);
    expect(Buffer.concat(log.pieces())).toEqual(Buffer.from(all));
  }),
  80,
);
