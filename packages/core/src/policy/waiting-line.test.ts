import { describe, expect, it } from 'vitest';
import { WaitingLine } from './waiting-line.ts';

const times = (line: WaitingLine, from: number, now: number, patienceMs: number, count: number) =>
  Array.from({ length: count }, () => {
    const { retryAfterMs, place } = line.join(from, now, { patienceMs });
    return place ? retryAfterMs : null;
  });

describe('a waiting line', () => {
  it('tells one after the other when to come', () => {
    const line = new WaitingLine();
    line.reset(1_000);

    expect(times(line, 2_000, 500, 5_000, 4)).toEqual([1_500, 1_600, 1_700, 1_800]);
  });

  it('begins with the first who joins it', () => {
    expect(times(new WaitingLine(), 800, 0, 1_000, 2)).toEqual([800, 900]);
    expect(new WaitingLine().join(800, 0, { patienceMs: 1_000, waited: true })).toMatchObject({ retryAfterMs: 800, place: true });
  });

  it('lets a quarter of the usual traffic go beside what comes anyway, where that is more', () => {
    const line = new WaitingLine();
    line.reset(2);

    expect(times(line, 1_000, 0, 5_000, 3)).toEqual([1_000, 1_008, 1_016]);
  });

  it('is as long as the patience of those in it', () => {
    const line = new WaitingLine();
    line.reset(1_000);

    expect(times(line, 800, 0, 1_000, 5)).toEqual([800, 900, 1_000, null, null]);
    expect(line.join(800, 0, { patienceMs: 1_000 })).toEqual({ admitted: false, retryAfterMs: 800, place: false });
    expect(times(line, 800, 0, 1_100, 2)).toEqual([1_100, null]);
  });

  it('keeps nobody’s place who has no patience', () => {
    const line = new WaitingLine();
    line.reset(1_000);

    for (let i = 0; i < 1_000; i += 1) line.join(800, 0, {});

    expect(times(line, 800, 0, 1_000, 1)).toEqual([800]);
  });

  it('has a second line for those who came in time and must wait again', () => {
    const line = new WaitingLine();
    line.reset(1_000);
    times(line, 800, 0, 5_000, 30);
    const again = () => line.join(1_000, 800, { patienceMs: 400, waited: true });

    expect([again(), again(), again(), again()]).toEqual([
      { admitted: false, retryAfterMs: 200, place: true },
      { admitted: false, retryAfterMs: 300, place: true },
      { admitted: false, retryAfterMs: 400, place: true },
      { admitted: false, retryAfterMs: 200, place: false },
    ]);
    expect(times(line, 1_000, 800, 5_000, 1)).toEqual([3_000]);
    line.reset(1_000);
    expect(again()).toMatchObject({ retryAfterMs: 200 });
  });

  it('goes on where it was when the moment moves, and begins anew with a new line', () => {
    const line = new WaitingLine();
    line.reset(1_000);
    times(line, 800, 0, 5_000, 3);

    expect(times(line, 1_000, 900, 5_000, 2)).toEqual([200, 300]);
    line.reset(1_000);
    expect(times(line, 1_000, 900, 5_000, 1)).toEqual([100]);
  });
});
