import { describe, expect, it } from 'vitest';
import { connectionFacts } from './connection-facts.ts';

const chained = (...codes: string[]): Error =>
  codes.reduceRight<Error>((cause, code) => Object.assign(new Error('x', { cause }), { code }), new Error('innermost'));

describe('connectionFacts', () => {
  it('says "unsent" only of what happens before the first byte', () => {
    expect(connectionFacts(chained('ECONNREFUSED')).sent).toBe('no');
    expect(connectionFacts(chained('ECONNRESET')).sent).toBe('maybe');
  });

  it('believes the innermost code', () => {
    expect(connectionFacts(chained('ECONNREFUSED', 'ECONNRESET'))).toMatchObject({ code: 'ECONNRESET', sent: 'maybe' });
    expect(connectionFacts(chained('ECONNRESET', 'ECONNREFUSED'))).toMatchObject({ code: 'ECONNREFUSED', sent: 'no' });
  });

  it('knows of a bad certificate that it came before the request', () => {
    expect(connectionFacts(chained('CERT_HAS_EXPIRED')).sent).toBe('no');
  });

  it('follows a chain that bites its tail', () => {
    const error = chained('ECONNREFUSED');
    (error.cause as Error).cause = error;

    expect(connectionFacts(error)).toEqual({ name: 'Error', code: 'ECONNREFUSED', sent: 'no' });
  });

  it('follows aggregates that contain themselves', () => {
    const error = new AggregateError([], 'x');
    error.errors.push(error);

    expect(connectionFacts(error)).toEqual({ name: 'AggregateError', code: undefined, sent: 'maybe' });
  });

  it('does not follow a chain without end', () => {
    const endless = (): Error => Object.defineProperty(new Error('x'), 'cause', { get: endless });

    expect(connectionFacts(endless()).sent).toBe('maybe');
  });

  it('believes no aggregate of more addresses than it looks at', () => {
    const refused = Array.from({ length: 40 }, () => Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));

    expect(connectionFacts(new AggregateError(refused)).sent).toBe('maybe');
  });

  it.each([undefined, null, 'ECONNREFUSED', 7, {}, [], () => {}, { name: 7, code: 7, cause: 7 }])(
    'takes %j for an error of which nothing is known',
    (thrown) => {
      expect(connectionFacts(thrown)).toEqual({ name: 'Error', code: undefined, sent: 'maybe' });
    },
  );

  it('survives getters that throw', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
      },
    );

    expect(connectionFacts(hostile)).toEqual({ name: 'Error', code: undefined, sent: 'maybe' });
  });

  it('survives lists of errors that throw', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();

    expect(connectionFacts({ code: 'ECONNREFUSED', errors: proxy }).sent).toBe('maybe');
  });

  it('recognises errors of another realm or copy by their structure', () => {
    expect(
      connectionFacts({ name: 'APIConnectionError', cause: { name: 'TypeError', cause: { name: 'Error', code: 'ENOTFOUND' } } }),
    ).toEqual({ name: 'TypeError', code: 'ENOTFOUND', sent: 'no' });
  });
});
