import { describe, expect, it } from 'vitest';
import { credentialOf } from './credential.ts';

const sent = (headers: Record<string, string>): Headers => new Headers(headers);
const key = sent({ 'x-api-key': 'sk-ant-1' });

describe('a credential', () => {
  it.each<[string, unknown, boolean]>([
    ['nothing is given', undefined, false],
    ['other headers are given', { 'x-trace': '1' }, false],
    ['a key is given in an object', { 'X-Api-Key': 'k' }, true],
    ['a token is given in pairs', [['Authorization', 'Bearer t']], true],
    ['a key is given in Headers', new Headers({ 'x-api-key': 'k' }), true],
    ['as the SDK hands it on', { values: new Headers({ authorization: 'Bearer t' }), nulls: new Set() }, true],
    ['as the SDK hands it on, without one', { values: new Headers({ 'x-trace': '1' }), nulls: new Set(['authorization']) }, false],
    ['a key is only taken away', { 'x-api-key': null }, false],
    ['rubbish is given', 7, false],
  ])('is the caller’s own or not where %s', (_, given, isCallers) => {
    expect(credentialOf(key, given, undefined).isCallers).toBe(isCallers);
  });

  it('is whose the application says', () => {
    expect(credentialOf(key, { 'x-api-key': 'k' }, 'operator').isCallers).toBe(false);
    expect(credentialOf(key, undefined, 'caller').isCallers).toBe(true);
  });

  it('is told apart by key and by token, and never kept as it is', () => {
    const ids = [key, sent({ 'x-api-key': 'sk-ant-2' }), sent({ authorization: 'Bearer sk-ant-1' }), sent({})].map(
      (headers) => credentialOf(headers, undefined, undefined).id,
    );
    expect(new Set(ids).size).toBe(4);
    expect(ids.join()).not.toContain('sk-ant');
  });
});
