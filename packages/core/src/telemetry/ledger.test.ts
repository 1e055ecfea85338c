import { describe, expect, it } from 'vitest';
import { createLedgerBook, type Ledger } from './ledger.ts';

const ledger = (callId: string): Ledger => ({ callId }) as Ledger;

describe('createLedgerBook', () => {
  it('keeps as many ids as it may and forgets the oldest', () => {
    const book = createLedgerBook(3);
    for (const id of ['a', 'b', 'c', 'd', 'e']) book.add(ledger(id));
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => book.find(id)?.callId)).toEqual([undefined, undefined, 'c', 'd', 'e']);
  });

  it('finds a ledger under every id it has', () => {
    const book = createLedgerBook(3);
    const call = ledger('call');
    book.add(call);
    book.index('msg_1', call);
    expect([book.find('call'), book.find('msg_1'), book.find('msg_2')]).toEqual([call, call, undefined]);
  });

  it('an id that comes again stands for the later call, and is not forgotten twice', () => {
    const book = createLedgerBook(2);
    const [first, second] = [ledger('same'), ledger('same')];
    book.add(first);
    book.add(second);
    book.add(ledger('other'));
    expect(book.find('same')).toBe(second);
    book.add(ledger('third'));
    expect([book.find('same'), book.find('other')?.callId, book.find('third')?.callId]).toEqual([undefined, 'other', 'third']);
  });
});
