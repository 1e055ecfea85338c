// Reads the facts of an error from any of the shapes that platforms and proxies use. Never throws.

import type { ErrorFacts } from '../policy/outcome.ts';

type Wire = Readonly<Record<string, unknown>>;

const nothing: ErrorFacts = {};

/**
 * Reads `text` as the body of an error: Anthropic's `{ type: 'error', error }`, Amazon's `{ message, __type }`, Google's
 * `{ error: { status } }` (also as the only element of an array), Azure's `{ error: { code } }` and `{ statusCode, message }`.
 * A page of HTML, an empty body and anything malformed give no facts.
 *
 * @param text the body, or its beginning
 * @param contentType the `content-type` header; JSON is recognised under any but HTML
 */
export function readErrorBody(text: string, contentType: string | null): ErrorFacts {
  if (contentType !== null && /\bhtml\b/i.test(contentType)) return nothing;
  try {
    // Trimmed of a byte order mark too.
    return errorFacts(JSON.parse(text.trim()));
  } catch {
    return nothing;
  }
}

/**
 * The same for the data of an `error` event, which says nothing else: text that is no JSON is its message, and so is a string.
 * Never more than 1,000 characters of it: a page of HTML may have got there.
 */
export function readErrorEvent(data: string): ErrorFacts {
  let value: unknown;
  try {
    value = JSON.parse(data.trim());
  } catch {
    value = data.trim();
  }
  return typeof value === 'string' && value !== '' ? { message: value.slice(0, 1_000) } : errorFacts(value);
}

/** The details of the error in `data`, whatever they are; undefined where there are none. */
export function errorDetailsIn(data: string): Wire | undefined {
  try {
    const error = object(own(object(JSON.parse(data)) ?? {}, 'error'));
    return error && object(own(error, 'details'));
  } catch {
    return undefined;
  }
}

/** The same for a value already parsed. */
export function errorFacts(value: unknown): ErrorFacts {
  const body = object(Array.isArray(value) ? value[0] : value);
  if (!body) return nothing;
  const error = object(own(body, 'error'));
  if (!error) return flat(body);
  const details = object(own(error, 'details'));
  return {
    type: name(error, 'type') ?? name(error, 'status') ?? name(error, 'code'),
    code: details && name(details, 'error_code'),
    message: string(error, 'message'),
    ...statusIn(error, 'code', 'status'),
  };
}

/** Without an inner error: Amazon (`__type` may carry a namespace before `#`), API gateways, simple proxies. */
function flat(body: Wire): ErrorFacts {
  return {
    type: name(body, '__type')?.replace(/.*#/, '') ?? name(body, 'code') ?? typeOf(body),
    code: undefined,
    message: string(body, 'message') ?? string(body, 'Message') ?? string(body, 'error') ?? string(body, 'detail'),
    ...statusIn(body, 'statusCode', 'status', 'code'),
  };
}

/** Where the real status was lost on the way, some bodies still tell it. */
function statusIn(body: Wire, ...names: string[]): Pick<ErrorFacts, 'status'> {
  const status = names
    .map((each) => own(body, each))
    .find((value) => Number.isInteger(value) && Number(value) >= 400 && Number(value) < 600);
  return status === undefined ? {} : { status: status as number };
}

/** `error` is the envelope's own type, and problem documents (RFC 9457) have an address there. */
const typeOf = (body: Wire): string | undefined => {
  const type = name(body, 'type');
  return type === 'error' || type?.includes(':') ? undefined : type;
};

const object = (value: unknown): Wire | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : undefined;

/** Own properties only: a body must not be read through what something else put on a prototype. */
const own = (value: Wire, name: string): unknown => (Object.hasOwn(value, name) ? value[name] : undefined);

const string = (value: Wire, name: string): string | undefined => {
  const found = own(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
};

/** Types and codes end up in logs and labels: what does not look like a name is none. */
const name = (value: Wire, property: string): string | undefined => string(value, property)?.match(/^[\w.:#/-]{1,128}$/)?.[0];
