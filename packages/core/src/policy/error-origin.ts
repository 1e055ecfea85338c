// Whether a thrown error is a connection's at all. The SDK, credential providers and other middleware throw from the same place.

import type { ConnectionFacts } from './outcome.ts';

/** One error of a chain of causes. */
export interface Link {
  readonly name: string;
  readonly message: string;
}

/** Names of the errors that credential providers throw: AWS, Azure, Google, and the SDK's own. */
const credentialsName = /Credential|TokenProvider|AuthenticationRequired|AggregateAuthentication|WorkloadIdentity/;
/** What clients say where the error has no name of its own. */
const credentialsWords =
  /\bcredentials?\b|invalid_grant|`apiKey` function|azureADTokenProvider|authentication method|access token|identity token/i;
/** Errors that may come from `fetch`, in any of its implementations, or from what is below it. */
const transportName =
  /^(?:Error|TypeError|SystemError|AggregateError|RetryableError)$|Connect|Network|Socket|Fetch|Timeout|Abort|Request|TLS|HTTP|DNS|Stream|Body/i;
/** TypeErrors are what `fetch` rejects with, and what programs make by mistake; these are only the latter. */
const programWords =
  /is not (?:a|an|iterable|defined)\b|cannot (?:read|set|destructure|access|convert)|before initialization|invalid (?:header )?(?:value|name)|^expected `?\w+|^no project/i;
const programName = /^(?:AnthropicError|HoldfastConfigError|ReferenceError|RangeError|SyntaxError|EvalError|URIError|AssertionError)$/;

/**
 * What made an error, as far as names and words tell; undefined for a connection, and in doubt.
 *
 * @param links the chain of causes, outermost first
 * @param code the innermost code among them
 */
export function originOf(links: readonly Link[], code: string | undefined): ConnectionFacts['origin'] {
  if (links.some(isCredentials)) return 'credentials';
  if (code !== undefined) return programCode.test(code) && code !== 'ERR_INVALID_URL' ? 'program' : undefined;
  const [outer] = links;
  if (outer === undefined || links.some(({ name }) => sdkTransport.test(name))) return undefined;
  return programName.test(outer.name) || !transportName.test(outer.name) || links.every(isMistake) ? 'program' : undefined;
}

const isCredentials = ({ name, message }: Link): boolean =>
  credentialsName.test(name) || (sdkName.test(name) && credentialsWords.test(message));
/** `fetch` rejects with a TypeError too, and platforms throw plain errors: the words decide. */
const isMistake = ({ name, message }: Link): boolean => (name === 'TypeError' || name === 'Error') && programWords.test(message);

const sdkName = /^(?:AnthropicError|APIConnectionError|Error)$/;
/** What the SDK itself would repeat. */
const sdkTransport = /^(?:API\w*|RetryableError)$/;
const programCode = /^ERR_(?:INVALID|ASSERTION|MISSING)_/;
