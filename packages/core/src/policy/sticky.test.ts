import { describe, expect, it } from 'vitest';
import { hashFraction, rendezvous, stickyKeyOf } from './sticky.ts';

const marked = { cache_control: { type: 'ephemeral' } };
const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more });
const user = (content: unknown) => ({ role: 'user', content });
const talk = { system: [text('You are a pilot.', marked)], messages: [user('Where to?')] };
const keyOf = (body: object) => stickyKeyOf(body as Record<string, unknown>, undefined);

describe('the key of a prompt cache', () => {
  it('stays while a conversation grows and its mark moves', () => {
    const first = { system: 'You are a pilot.', messages: [user([text('Where to?', marked)])] };
    const later = {
      ...first,
      max_tokens: 5,
      messages: [user([text('Where to?')]), { role: 'assistant', content: 'North.' }, user([text('Why?', marked)])],
    };

    expect(keyOf(first)).not.toBeNull();
    expect(keyOf(later)).toBe(keyOf(first));
  });

  it('differs between conversations, system prompts and tools', () => {
    const keys = [
      talk,
      { ...talk, messages: [user('Where from?')] },
      { ...talk, system: [text('You are a sailor.', marked)] },
      { ...talk, tools: [{ name: 'chart' }] },
    ].map(keyOf);

    expect(new Set(keys).size).toBe(4);
  });

  it('tells parts from one another: words that move from one to the next make another key', () => {
    const keys = ['ab c', 'a bc'].map((words) => {
      const [system, first] = words.split(' ') as [string, string];
      return keyOf({ ...marked, system, messages: [user(first)] });
    });

    expect(new Set(keys).size).toBe(2);
  });

  it.each<[string, object, boolean]>([
    ['nothing', { system: 'a', messages: [user('b')] }, false],
    ['the whole request', { ...marked, messages: [user('b')] }, true],
    ['a tool', { tools: [{ name: 'chart', ...marked }], messages: [user('b')] }, true],
    ['the system prompt', talk, true],
    ['a message', { messages: [user('a'), user([text('b', marked)])] }, true],
    ['one block of several', { messages: [user([text('a'), text('b', marked), text('c')])] }, true],
    ['no message', { messages: 'a', system: 'b' }, false],
    ['nothing that is there', { tools: [null], system: [null], messages: [null, user(null), user([null])] }, false],
    ['something beside nothing', { ...marked, tools: [null], system: null, messages: [user(null)] }, true],
  ])('exists where %s is marked: %s', (_, body, expected) => {
    expect(keyOf(body) !== null).toBe(expected);
  });

  it('tells apart what differs within the first 2,048 characters of a part, and nothing behind them', () => {
    const keyBehind = (same: number, last: string) => keyOf({ ...marked, system: 'x'.repeat(same) + last, messages: [user('y')] });

    expect(keyBehind(2_047, 'a')).not.toBe(keyBehind(2_047, 'b'));
    expect(keyBehind(2_048, 'a')).toBe(keyBehind(2_048, 'b'));
  });

  it('is the one given, if one is given, and bounded whatever is sent', () => {
    expect(stickyKeyOf(null, 'chat 7')).toBe('given:chat 7');
    expect(stickyKeyOf(talk, 'chat 7')).toBe('given:chat 7');
    expect(stickyKeyOf(null, 'x'.repeat(1e6))?.length).toBeLessThan(10_000);
    expect(keyOf({ ...marked, system: 'x'.repeat(1e6), messages: [user('y'.repeat(1e6))] })?.length).toBeLessThan(10_000);
    const pieces = Array.from({ length: 100 }, () => text('x'.repeat(2_000)));
    expect(keyOf({ ...marked, tools: pieces, system: pieces, messages: [user(pieces)] })?.length).toBe(3 * 2_048 + 2);
    expect(stickyKeyOf(null, undefined)).toBeNull();
  });
});

describe('the cost of a key', () => {
  it('is that of its beginning: nothing behind it is read', () => {
    const unread = {
      get text(): string {
        throw new Error('read too far');
      },
    };

    expect(keyOf({ ...marked, messages: [user(['x'.repeat(5_000), unread])] })).not.toBeNull();
  });
});

describe('rendezvous hashing', () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `conversation ${index}`);
  const three = [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 3 },
    { name: 'c', weight: 0 },
  ];
  const shareOf = (name: string): number => keys.filter((key) => rendezvous(key, three).name === name).length / keys.length;

  it('gives each its share', () => {
    expect(shareOf('a')).toBeCloseTo(0.25, 1);
    expect(shareOf('b')).toBeCloseTo(0.75, 1);
    expect(shareOf('c')).toBe(0);
  });

  it('gives each its share among several, however different they are', () => {
    const weights = { a: 1, b: 2, c: 5 };
    const candidates = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    const share = (wanted: string): number => keys.filter((key) => rendezvous(key, candidates).name === wanted).length / keys.length;

    for (const [name, weight] of Object.entries(weights)) expect(Math.abs(share(name) - weight / 8)).toBeLessThan(0.015);
  });

  it('takes the first where nobody has a weight', () => {
    expect(
      rendezvous('chat', [
        { name: 'a', weight: 0 },
        { name: 'b', weight: 0 },
      ]).name,
    ).toBe('a');
  });

  it('finds the same in every process and every version', () => {
    expect(['', 'a', 'conversation 7', 'überall'].map((key) => hashFraction(key) * 2 ** 32)).toEqual([
      0xab3e7c0b, 0x1a80b1b3, 0x1110a14e, 0xd2cb4e94,
    ]);
  });

  it('moves only the keys of the one that leaves', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => ({ name, weight: 1 }));
    const rest = all.filter(({ name }) => name !== 'b');

    for (const key of keys) {
      const before = rendezvous(key, all).name;
      if (before !== 'b') expect(rendezvous(key, rest).name).toBe(before);
    }
  });

  it('spreads numbered keys evenly over [0, 1)', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const key of keys) tenths[Math.floor(hashFraction(key) * 10)]! += 1;

    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
