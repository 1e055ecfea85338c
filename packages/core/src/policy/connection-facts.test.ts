import { describe, expect, it } from 'vitest';
import { connectionFacts, isCertificateFailure } from './connection-facts.ts';

const chained = (...codes: string[]): Error =>
  codes.reduceRight<Error>((cause, code) => Object.assign(new Error('x', { cause }), { code }), new Error('innermost'));

describe('connectionFacts', () => {
  it('says "unsent" only of what happens before the first byte', () => {
    expect(connectionFacts(chained('ECONNREFUSED')).sent).toBe('no');
    expect(connectionFacts(chained('ECONNRESET')).sent).toBe('maybe');
  });

  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EAI_NODATA',
    'EAI_NONAME',
    'UND_ERR_CONNECT_TIMEOUT',
    'ERR_TLS_HANDSHAKE_TIMEOUT',
    'ERR_INVALID_URL',
  ])('knows of %s that nothing was sent', (code) => {
    expect(connectionFacts({ code }).sent).toBe('no');
  });

  it.each<[syscall: unknown, sent: string]>([
    ['connect', 'no'],
    ['getaddrinfo', 'no'],
    ['queryA', 'no'],
    ['queryAaaa', 'no'],
    ['read', 'maybe'],
    ['write', 'maybe'],
    ['disconnect', 'maybe'],
    ['connection', 'maybe'],
    ['query', 'maybe'],
    [7, 'maybe'],
    [undefined, 'maybe'],
  ])('takes a time-out of the system call %s for sent: %s', (syscall, sent) => {
    expect(connectionFacts({ code: 'ETIMEDOUT', syscall }).sent).toBe(sent);
  });

  it.each<[code: string | undefined, expected: boolean]>([
    ['CERT_HAS_EXPIRED', true],
    ['CRL_NOT_YET_VALID', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true],
    ['ERROR_IN_CERT_NOT_AFTER_FIELD', true],
    ['ERROR_IN_CRL_LAST_UPDATE_FIELD', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', true],
    ['SELF_SIGNED_CERT_IN_CHAIN', true],
    ['HOSTNAME_MISMATCH', true],
    ['INVALID_CA', true],
    ['INVALID_PURPOSE', true],
    ['PATH_LENGTH_EXCEEDED', true],
    // A name that only resembles one of them says nothing for certain.
    ['NO_CERT_HAS_EXPIRED', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERTIFICATES', false],
    ['SELF_SIGNED_CERT_IN_CHAIN_2', false],
    ['HOSTNAME_MISMATCHES', false],
    ['INVALID_CALL', false],
    ['INVALID_PURPOSES', false],
    ['PATH_LENGTH_EXCEEDED_BY_FAR', false],
    ['ECONNRESET', false],
    [undefined, false],
  ])('takes %s for a bad certificate: %s', (code, expected) => {
    const facts = connectionFacts({ code });

    expect(isCertificateFailure(facts)).toBe(expected);
    expect(facts.sent).toBe(expected ? 'no' : 'maybe');
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

  it.each([undefined, null, 'ECONNREFUSED', 7, {}, [], Object.assign(() => {}, { code: 'ECONNREFUSED' }), { name: 7, code: 7, cause: 7 }])(
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

    expect(connectionFacts({ code: 'ECONNREFUSED', errors: proxy })).toEqual({ name: 'Error', code: undefined, sent: 'maybe' });
  });

  it('is not held up by a list of errors without end', () => {
    const errors = Object.assign([{ code: 'ECONNREFUSED' }], { length: 2 ** 32 - 1 });

    expect(connectionFacts({ errors }).code).toBe('ECONNREFUSED');
  });

  it('takes no empty words for a name or a code', () => {
    const cause = { name: '', code: '' };

    expect(connectionFacts({ name: 'FetchError', code: 'ECONNREFUSED', cause })).toEqual({
      name: 'FetchError',
      code: 'ECONNREFUSED',
      sent: 'no',
    });
  });

  it('recognises errors of another realm or copy by their structure', () => {
    expect(
      connectionFacts({ name: 'APIConnectionError', cause: { name: 'TypeError', cause: { name: 'Error', code: 'ENOTFOUND' } } }),
    ).toEqual({ name: 'TypeError', code: 'ENOTFOUND', sent: 'no' });
  });
});
