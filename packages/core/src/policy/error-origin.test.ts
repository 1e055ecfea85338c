import { describe, expect, it } from 'vitest';
import { connectionFacts } from './connection-facts.ts';

const named = (name: string, message: string, more: Readonly<Record<string, unknown>> = {}): Error =>
  Object.assign(new Error(message), { name, ...more });
const originOf = (error: unknown): string | undefined => connectionFacts(error).origin;

describe('credentials that cannot be had', () => {
  it.each<[string, unknown]>([
    ['an expired SSO session', named('CredentialsProviderError', 'The SSO session associated with this profile has expired.')],
    [
      'what Bedrock’s client makes of it',
      named('APIConnectionError', 'Failed to resolve AWS credentials from the credential provider chain.', {
        cause: named('Error', 'Token is expired'),
      }),
    ],
    [
      'what Vertex’s client makes of it',
      named('APIConnectionError', 'Failed to acquire Google OAuth credentials.', {
        cause: named('GaxiosError', 'invalid_grant', { code: '400' }),
      }),
    ],
    ['a managed identity', named('CredentialUnavailableError', 'ManagedIdentityCredential authentication failed.')],
    ['the SDK’s key function', named('AnthropicError', 'The `apiKey` function failed: vault is sealed')],
    ['Azure’s token provider', named('AnthropicError', 'Failed to get token from azureADTokenProvider: down')],
    ['federation', named('WorkloadIdentityError', 'Failed to reach token endpoint')],
    ['no key at all', named('Error', 'Could not resolve authentication method. Expected one of apiKey, authToken')],
  ])('are told from a connection: %s', (_, error) => {
    expect(originOf(error)).toBe('credentials');
  });
});

describe('mistakes of the program', () => {
  it.each<[string, unknown]>([
    ['the SDK’s own refusal', named('AnthropicError', 'Streaming is required for operations that may take longer than 10 minutes.')],
    ['a bug', new TypeError("Cannot read properties of undefined (reading 'x')")],
    ['another bug', new ReferenceError('x is not defined')],
    ['a header that is none', new TypeError('Headers.append: "\\n" is an invalid header value.')],
    ['an argument of the wrong type', Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a client without a region', named('Error', 'Expected `awsRegion` option to be passed to the client')],
    ['a guard of the application’s', named('BlockedByPolicy', 'not with this prompt')],
  ])('are told from a connection: %s', (_, error) => {
    expect(originOf(error)).toBe('program');
  });
});

describe('what may be a connection', () => {
  it.each<[string, unknown]>([
    ['fetch in Node.js', Object.assign(new TypeError('fetch failed'), { cause: named('Error', 'x', { code: 'ECONNRESET' }) })],
    ['fetch without a cause', new TypeError('fetch failed')],
    ['fetch in Safari', new TypeError('Load failed')],
    ['fetch in Chrome', new TypeError('Failed to fetch')],
    ['workers', new Error('Network connection lost.')],
    ['node-fetch', named('FetchError', 'request failed')],
    ['a socket', named('SocketError', 'other side closed')],
    ['an abort', named('AbortError', 'This operation was aborted')],
    ['the SDK’s connection error', named('APIConnectionError', 'Connection error.')],
    ['what the SDK would repeat', named('RetryableError', 'again')],
    ['an address', Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' })],
    ['nothing', undefined],
    ['a string', 'boom'],
  ])('is taken for one: %s', (_, error) => {
    expect(originOf(error)).toBeUndefined();
  });
});
