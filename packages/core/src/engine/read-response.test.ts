import { describe, expect, it } from 'vitest';
import { ReadResponse } from './read-response.ts';

const text = '{"grüße":"👋"}';
const made = (value?: unknown): ReadResponse =>
  new ReadResponse(text, value, { status: 201, headers: { 'content-type': 'application/json', 'x-id': '7' } });

describe('a Response that has been read', () => {
  it('reads like any other, in every way, once', async () => {
    const ways: [string, (response: Response) => Promise<unknown>, unknown][] = [
      ['text', (response) => response.text(), text],
      ['json', (response) => response.json(), { grüße: '👋' }],
      ['arrayBuffer', async (response) => new TextDecoder().decode(await response.arrayBuffer()), text],
      ['bytes', async (response) => new TextDecoder().decode(await response.bytes()), text],
      ['blob', async (response) => (await response.blob()).text(), text],
      ['body', (response) => new Response(response.body).text(), text],
      ['copied', (response) => new Response(response.body, response).text(), text],
    ];
    for (const [name, read, expected] of ways) {
      const response = made();
      expect(response.bodyUsed, name).toBe(false);
      expect(await read(response), name).toEqual(expected);
      expect(response.bodyUsed, name).toBe(true);
      await expect(response.text(), name).rejects.toThrow(TypeError);
    }
  });

  it('has status and headers, and is a Response', () => {
    const response = made();

    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.headers.get('x-id'), response.body?.locked]).toEqual([201, true, '7', false]);
  });

  it('says where it came from, and so does its clone', () => {
    const upstream = Object.defineProperty(new Response('', { status: 201 }), 'url', { value: 'https://api.anthropic.com/v1/messages' });
    const response = new ReadResponse(text, undefined, upstream);

    expect([response.url, response.clone().url, made().url]).toEqual([upstream.url, upstream.url, '']);
  });

  it('can be cloned before it is read, and not after', async () => {
    const response = made();
    const clone = response.clone();
    expect([await response.text(), await clone.text()]).toEqual([text, text]);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('hands out a value that was parsed already, but never the same one twice', async () => {
    const value = { grüße: '👋' };
    const response = made(value);
    const clone = response.clone();

    expect(await response.json()).toBe(value);
    expect(await clone.json()).not.toBe(value);
  });
});
