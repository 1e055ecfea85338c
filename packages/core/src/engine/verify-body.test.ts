import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { messageEvents } from '../stream/message-events.ts';
import { verifyBody } from './verify-body.ts';

const message = '{"id":"msg_01","type":"message","role":"assistant","content":[{"type":"text","text":"Grüße"}],"stop_reason":"end_turn"}';
const envelope = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';

const stream = new TextDecoder().decode(messageEvents(JSON.parse(message)));

describe('verifyBody', () => {
  it.each<[string, string, string | null, string]>([
    ['nothing', '', 'application/json', 'empty'],
    ['white space', ' \r\n', 'application/json', 'empty'],
    ['a page', '<!doctype html><html></html>', 'text/html', 'html'],
    ['a page under another name', ' <html></html>', 'application/json', 'html'],
    ['plain words under the name of a page', 'Bad gateway', 'text/html; charset=utf-8', 'html'],
    ['plain words', 'Bad gateway', 'text/plain', 'not-json'],
    ['a string', '"message"', 'application/json', 'not-json'],
    ['null', 'null', 'application/json', 'not-json'],
    ['a list', '[]', 'application/json', 'not-json'],
    ['half a list', '[{"type":"mess', 'application/json', 'truncated'],
    ['an error envelope', envelope, 'application/json', 'error-envelope'],
    ['another object', '{"input_tokens":7}', 'application/json', 'not-a-message'],
    ['a message without content', '{"type":"message"}', 'application/json', 'not-a-message'],
    ['words that are no answer', '{"message":"no healthy upstream"}', 'application/json', 'not-a-message'],
    ['an error without a type', '{"error":{"message":"insufficient credits","code":402}}', 'application/json', 'error-envelope'],
    ['events that were cut off', stream.slice(0, -60), 'text/event-stream', 'truncated'],
    ['events that end in an error', 'event: error\ndata: {"type":"error","error":{}}\n\n', 'text/event-stream', 'error-envelope'],
  ])('takes %s for no message', (_, text, contentType, problem) => {
    expect(verifyBody(text, contentType, 'message')).toMatchObject({ type: 'bad', problem });
  });

  it('accepts a whole message, under whatever content type', () => {
    for (const contentType of ['application/json', 'text/plain', null]) {
      expect(verifyBody(message, contentType, 'message')).toEqual({ type: 'ok', value: JSON.parse(message), text: message });
    }
  });

  it.each([
    ['without a type', '{"role":"assistant","content":[]}'],
    ['whose content is a text', '{"type":"message","content":"hi"}'],
    ['without content', '{"type":"message","content":null}'],
    ['in a list', `[${message}]`],
    ['wrapped in something', `{"code":0,"data":${message}}`],
    ['with an empty error', `{"error":null,${message.slice(1)}`],
  ])('accepts what the SDK alone would hand out: a message %s', (_, text) => {
    expect(verifyBody(text, 'application/json', 'message')).toEqual({ type: 'ok', value: JSON.parse(text), text });
  });

  it('puts a message together from events that nobody asked for', () => {
    expect(verifyBody(stream, 'text/event-stream', 'message')).toMatchObject({ type: 'ok', value: JSON.parse(message) });
  });

  it('takes a message that is cut off anywhere for truncated', () => {
    for (let cut = 1; cut < message.length; cut += 1) {
      expect(verifyBody(message.slice(0, cut), 'application/json', 'message'), message.slice(0, cut)).toEqual({
        type: 'bad',
        problem: 'truncated',
      });
    }
  });

  it('hands on what an error envelope says', () => {
    expect(verifyBody(envelope, 'application/json', 'message')).toMatchObject({
      error: { type: 'overloaded_error', message: 'Overloaded' },
    });
  });

  it('asks of other JSON routes only an object that is no error', () => {
    expect(verifyBody('{"input_tokens":7}', 'application/json', 'json').type).toBe('ok');
    expect(verifyBody(envelope, 'application/json', 'json')).toMatchObject({ problem: 'error-envelope' });
  });

  it('sees through what a server promised: a length it does not keep is a reset, a shorter body is truncated', async () => {
    const server = createServer((request, response) => {
      const whole = request.url === '/shorter';
      response.writeHead(200, { 'content-type': 'application/json', ...(whole ? {} : { 'content-length': String(message.length * 2) }) });
      response.write(message.slice(0, 40), () => setImmediate(() => (whole ? response.end() : response.destroy())));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    try {
      await expect((await fetch(`${base}/reset`)).text()).rejects.toThrow('terminated');
      const shorter = await fetch(`${base}/shorter`);
      expect(verifyBody(await shorter.text(), shorter.headers.get('content-type'), 'message')).toEqual({
        type: 'bad',
        problem: 'truncated',
      });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
