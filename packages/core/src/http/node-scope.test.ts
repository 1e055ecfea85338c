import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { nodeScope } from './node-scope.ts';
import type { NodeResponse } from './relay-node.ts';

function fakeResponse(state: { destroyed?: boolean; writableFinished?: boolean } = {}): NodeResponse & EventEmitter {
  return Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false, ...state }) as unknown as NodeResponse &
    EventEmitter;
}

const idOf = (header: string | undefined): string =>
  nodeScope({ headers: header === undefined ? {} : { 'x-request-id': header } }, fakeResponse()).requestId;

describe('the scope of a Node.js request', () => {
  it('ends when the client leaves', () => {
    const response = fakeResponse();
    const { signal } = nodeScope({ headers: {} }, response);

    response.emit('close');

    expect(signal.aborted).toBe(true);
  });

  it('does not end when the response closes because it is finished', () => {
    const response = fakeResponse({ writableFinished: true });
    const { signal } = nodeScope({ headers: {} }, response);

    response.emit('close');

    expect(signal.aborted).toBe(false);
  });

  it('has ended when the client was gone before', () => {
    expect(nodeScope({ headers: {} }, fakeResponse({ destroyed: true })).signal.aborted).toBe(true);
  });

  it('takes the id of the request when it is harmless', () => {
    expect(idOf('abc-123:4.5_6')).toBe('abc-123:4.5_6');
  });

  it.each([undefined, '', 'a b', 'a\nb', '<script>', 'x'.repeat(129)])('makes a new id for %j', (header) => {
    expect(idOf(header)).toMatch(/^[\da-f-]{36}$/);
  });
});
