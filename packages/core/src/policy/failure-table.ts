// Everything that can come back from a Claude API, as one table: what it means, what may be done, what to advise.
//
// Sources: the error codes and their descriptions in the SDK (`core/error-classes`, `resources/shared`), Anthropic's
// https://platform.claude.com/docs/en/api/errors and /api/rate-limits, Amazon's InvokeModel errors
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html and
// /CommonErrors.html, Google's canonical codes https://cloud.google.com/apis/design/errors.

import type { BadBody, StreamBreak } from './outcome.ts';
import type { Verdict } from './verdict.ts';

/** A verdict without what only the single failure can tell. `waitMs`: where documentation names a time. */
export type Row = Omit<Verdict, 'reason'>;

/** The request itself is wrong: no target can help, and none is to blame. */
const permanent = { retry: 'never', scope: 'request', countsAs: 'neutral', billed: 'no' } as const;
/** This account or platform cannot serve it, another may. Nobody's health is in question. */
const denied = { retry: 'elsewhere', scope: 'account', countsAs: 'neutral', billed: 'no' } as const;
/** The target is in trouble: again after a wait, or elsewhere. */
const transient = { retry: 'here', scope: 'target', countsAs: 'failure', billed: 'maybe' } as const;

const invalid: Row = { ...permanent, kind: 'invalid-request', action: 'Fix the request: sending it again cannot help.' };
const tooLarge: Row = { ...permanent, kind: 'too-large', action: 'Send less: the request is larger than the API accepts.' };
const promptTooLong: Row = {
  ...permanent,
  kind: 'too-large',
  action: 'Shorten the conversation, or ask a model with a larger context window.',
};
const forbidden: Row = { ...permanent, kind: 'permission', action: 'Check what the user profile or sandbox of this request may do.' };
const conflict: Row = { ...permanent, kind: 'conflict', action: 'Look at what the request conflicts with.' };
const unsupported: Row = { ...permanent, kind: 'unsupported', action: 'Do not ask this endpoint for it: it is not implemented.' };
const compaction: Row = {
  ...permanent,
  kind: 'invalid-request',
  action: 'Send the compaction block exactly as it was returned, once, as the first block of the conversation.',
};
const tools: Row = {
  ...permanent,
  kind: 'invalid-request',
  action: 'Fix the tools of the request: their number, names and references must fit together.',
};
const encoding: Row = {
  ...permanent,
  kind: 'invalid-request',
  action: 'Fix the Content-Encoding of the request body, or send it uncompressed.',
};

const key: Row = { ...denied, kind: 'auth', disable: 'credentials', action: 'Check the API key or token of this target.' };
const permission: Row = { ...denied, kind: 'permission', action: 'Check the permissions of this key or account.' };
const notFound: Row = { ...denied, scope: 'model', kind: 'not-found', action: 'Check the model id and the endpoint for this target.' };
const unpaid: Row = {
  ...denied,
  kind: 'billing',
  disable: 'operator',
  action: 'Settle the billing or raise the spend limit of this account.',
};
const monthlySpend: Row = {
  ...denied,
  kind: 'billing',
  disable: 'month-end',
  action: 'Raise the spend limit, or wait for the first of the next month (UTC): retrying never helps.',
};
/** The money is that of the organization behind one user's profile: the account itself goes on serving everybody else. */
const linkedBilling: Row = {
  ...denied,
  scope: 'request',
  kind: 'billing',
  action: 'Ask the organization behind this user profile to settle its billing or spend limit.',
};
/** A matter of the size of this request: the account goes on serving smaller ones. */
const longContextUnpaid: Row = {
  ...denied,
  scope: 'request',
  kind: 'billing',
  action: 'Enable extra usage for long context on this account, or send less.',
};
const lockedKey: Row = {
  ...denied,
  kind: 'account-state',
  disable: 'operator',
  action: 'Make the workspace’s encryption key usable again in the key management service.',
};

const throttled: Row = {
  kind: 'rate-limited',
  retry: 'here',
  scope: 'model',
  countsAs: 'throttled',
  billed: 'no',
  action: 'Back off as long as retry-after says, read the rate-limit headers, or ask another target.',
};
const overloaded: Row = {
  ...transient,
  scope: 'model',
  billed: 'no',
  kind: 'overloaded',
  action: 'Back off widely, and consider a fallback model or target.',
};
const upstream: Row = { ...transient, kind: 'upstream-error', action: 'Retry with backoff.' };
const gateway: Row = {
  ...transient,
  kind: 'upstream-error',
  action: 'Retry with backoff; if it persists, look at the proxies in between.',
};
/** Generating took too long, which says little about the target's health and costs the same again. */
const tooSlow: Row = {
  ...transient,
  scope: 'model',
  countsAs: 'weak',
  billed: 'yes',
  kind: 'timeout',
  action: 'Stream the answer or ask for less: asking again costs the same again.',
};
const keyUnreachable: Row = {
  ...transient,
  scope: 'account',
  countsAs: 'weak',
  billed: 'no',
  kind: 'account-state',
  action: 'Wait; if it continues, check that the workspace’s encryption key is available.',
};

const thread = (action: string): Row => ({ ...permanent, kind: 'thread-state', action });

export const success: Row = { ...permanent, kind: 'success', countsAs: 'success', billed: 'yes', action: 'Nothing to do.' };
export const aborted: Row = { ...permanent, kind: 'aborted', billed: 'maybe', action: 'Nothing to do: the caller left.' };
export const unknownStreamError: Row = { ...transient, scope: 'request', kind: 'upstream-error', action: 'Retry with backoff.' };

/** By `error.details.error_code`, which decides before anything else. */
export const byCode: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['enforced_spend_limit_reached', monthlySpend],
  ['contract_spend_limit_reached', { ...unpaid, action: 'Raise the spend limit of the contract: retrying never helps.' }],
  ['linked_organization_billing_unavailable', linkedBilling],
  ['linked_organization_spend_limit_reached', linkedBilling],
  ['ramp_limit_exceeded', { ...throttled, action: 'Wait as long as retry-after says, then grow usage gradually.' }],

  // Transient, and of the compaction service only: ordinary requests are served all the while.
  [
    'compaction_unavailable',
    { ...overloaded, scope: 'request', countsAs: 'neutral', action: 'Retry, or go on without compaction: only compaction is busy.' },
  ],

  ['cmek_key_disabled', lockedKey],
  ['cmek_key_network_blocked', lockedKey],
  ['cmek_key_unreachable', keyUnreachable],
  // "Retry in a few minutes."
  [
    'cmek_context_unavailable',
    { ...keyUnreachable, waitMs: 180_000, action: 'Wait a few minutes: the workspace’s encryption settings cannot be read.' },
  ],
  ['organization_on_hold', { ...lockedKey, action: 'Appeal at details.appeal_url: Anthropic has disabled this organization.' }],
  ['claude_code_key_creator_not_member', { ...key, action: 'Use a key whose creator is still a member of the workspace.' }],
  [
    'claude_code_version_too_old',
    { ...denied, kind: 'unsupported', action: 'Update Claude Code: this account or model requires a newer version.' },
  ],

  // A second request races the first one, so even this transient state is not repeated blindly.
  [
    'thread_continue_in_flight',
    thread('Wait for the request that is still continuing this thread, or replay the conversation as a new thread.'),
  ],
  ['thread_already_continued', thread('Continue from the latest response of the thread, or replay the conversation as a new thread.')],
  ['thread_not_found', thread('Replay the whole conversation as a new thread.')],
  ['thread_fingerprint_mismatch', thread('Send the values the thread was created with, or replay the conversation as a new thread.')],
  ['thread_unsupported_request', thread('Send the whole conversation without a thread, or leave out what details.unsupported names.')],

  [
    'request_body_timeout',
    {
      ...transient,
      scope: 'request',
      countsAs: 'weak',
      billed: 'no',
      kind: 'timeout',
      action: 'Retry: the body did not arrive in time and nothing was done.',
    },
  ],
  ['request_body_too_large_after_decoding', tooLarge],
  ['request_body_encoding_invalid', encoding],
  ['request_body_encoding_unsupported', encoding],
  ['image_dimensions_too_large', { ...tooLarge, action: 'Scale down the images that details.paths names.' }],
  ['available_tools_limit_exceeded', tools],
  ['tool_name_conflict', tools],
  ['tool_reference_unresolved', tools],
  ['compaction_block_ambiguous', compaction],
  ['compaction_block_misplaced', compaction],
  ['compaction_content_mismatch', compaction],
  ['compaction_signature_invalid', compaction],
  ['compaction_tool_changes_mismatch', compaction],
  ['compaction_too_many_tool_references', { ...compaction, action: 'Compact a conversation that refers to fewer tools.' }],
  ['compaction_incomplete_turn', { ...compaction, action: 'Finish the assistant turn before asking for compaction.' }],
  ['compaction_nothing_to_summarize', { ...compaction, action: 'Do not compact a conversation without content.' }],

  ['user_profile_required', { ...forbidden, action: 'Send the user profile that this account requires.' }],
  ['user_profile_billing_not_authorized', forbidden],
  ['user_profile_not_billable', forbidden],
  ['sandbox_egress_restricted', forbidden],

  ['skill_read_blocked_undecryptable', { ...conflict, action: 'Upload the skill again: the key it was encrypted with is gone.' }],
  ['file_expired', { ...permanent, kind: 'not-found', action: 'Upload the file again: it has expired.' }],
  ['file_not_downloadable', invalid],
  ['storage_quota_exceeded', { ...permanent, kind: 'billing', action: 'Delete files: the storage of this account is full.' }],
  // It was made, and only what was to follow is missing: a repetition makes another one.
  [
    'workspace_created_incomplete',
    { ...conflict, action: 'Do not create it again, but finish the settings of the one that details.workspace_id names.' },
  ],
  // It was stored: a repetition would meet its own first try.
  ['registration_pending', { ...conflict, action: 'Do not send it again: it was stored and becomes usable by itself.' }],
]);

interface Wording {
  readonly status: number;
  readonly pattern: RegExp;
  readonly reason: string;
  readonly row: Row;
}

/**
 * Refusals that only their message tells from others with their status. A wording that changes makes them plain ones again:
 * a bad request, or a rate limit.
 */
export const byWords: readonly Wording[] = [
  {
    status: 400,
    pattern: /^you have reached your specified (workspace )?api usage limits/i,
    reason: 'own_spend_limit',
    row: { ...monthlySpend, action: 'Raise the spend limit you set for this organization or workspace, or wait for the next month.' },
  },
  { status: 400, pattern: /^prompt is too long|^input length and `max_tokens` exceed/i, reason: 'prompt_too_long', row: promptTooLong },
  { status: 400, pattern: /^your credit balance is too low/i, reason: 'credit_balance_too_low', row: unpaid },
  {
    status: 400,
    pattern: /^invocation of model id .* with on-demand throughput isn.t supported/i,
    reason: 'on_demand_unsupported',
    row: { ...notFound, action: 'Ask for the ID or ARN of an inference profile that contains this model.' },
  },
  { status: 429, pattern: /^extra usage is required for long context/i, reason: 'long_context_unpaid', row: longContextUnpaid },
  {
    status: 429,
    pattern: /^too many tokens per day/i,
    reason: 'daily_quota',
    row: { ...throttled, retry: 'elsewhere', action: 'Ask for a larger daily quota, or wait for the next day: retrying never helps.' },
  },
];

/** Words with which a server asks not to be asked again, whatever its status. */
export const asksNotToRepeat: RegExp = /\b(?:do not|don.t) (?:send|retry|repeat|resubmit)\b/i;
export const notAgain: Row = { ...conflict, action: 'Do not send it again: the server says that it was done, or half done.' };

/** By names that say more than the status they come with: Anthropic's specific types, Amazon's exceptions, Google's codes. */
export const byName: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['authentication_error', key],
  ['billing_error', unpaid],
  ['permission_error', permission],
  ['not_found_error', notFound],
  ['conflict_error', conflict],
  ['memory_path_conflict_error', conflict],
  ['memory_precondition_failed_error', conflict],
  ['request_too_large', tooLarge],
  ['rate_limit_error', throttled],
  ['overloaded_error', overloaded],

  ['ValidationException', invalid],
  ['ValidationError', invalid],
  ['MalformedHttpRequestException', invalid],
  ['RequestEntityTooLargeException', tooLarge],
  ['AccessDeniedException', permission],
  ['NotAuthorized', permission],
  ['OptInRequired', unpaid],
  ['UnrecognizedClientException', key],
  ['ExpiredTokenException', key],
  ['IncompleteSignature', key],
  ['InvalidSignatureException', key],
  ['MissingAuthenticationTokenException', key],
  ['RequestExpired', { ...key, action: 'Set the clock of this machine: the signature looks expired.' }],
  ['ResourceNotFoundException', notFound],
  ['UnknownOperationException', unsupported],
  ['ConflictException', conflict],
  ['ThrottlingException', throttled],
  ['TooManyRequestsException', throttled],
  ['ServiceQuotaExceededException', { ...throttled, scope: 'account' }],
  ['ModelNotReadyException', overloaded],
  ['ServiceUnavailableException', overloaded],
  ['ServiceUnavailable', overloaded],
  ['ModelTimeoutException', tooSlow],
  ['ModelErrorException', upstream],
  ['ModelStreamErrorException', upstream],
  ['InternalServerException', upstream],
  ['InternalFailure', upstream],

  ['INVALID_ARGUMENT', invalid],
  ['OUT_OF_RANGE', invalid],
  ['UNAUTHENTICATED', key],
  ['PERMISSION_DENIED', permission],
  ['FAILED_PRECONDITION', { ...permission, scope: 'model', action: 'Enable the model for this project in the Model Garden.' }],
  ['NOT_FOUND', notFound],
  ['ALREADY_EXISTS', conflict],
  ['RESOURCE_EXHAUSTED', throttled],
  ['UNIMPLEMENTED', unsupported],
  ['UNAVAILABLE', overloaded],
  ['DEADLINE_EXCEEDED', tooSlow],
  ['INTERNAL', upstream],
  ['UNKNOWN', upstream],
  ['DATA_LOSS', upstream],
]);

/** By status, for everything that has no telling name. */
export const byStatus: ReadonlyMap<number, Row> = new Map<number, Row>([
  [400, invalid],
  [401, key],
  [402, unpaid],
  [403, permission],
  [404, notFound],
  [407, { ...denied, scope: 'target', kind: 'auth', action: 'Check the credentials of the proxy in between.' }],
  [408, { ...transient, countsAs: 'weak', billed: 'no', kind: 'timeout', action: 'Retry: the request did not arrive in time.' }],
  // The SDK repeats every 409. The only one declared for messages is permanent; a transient one says so by x-should-retry.
  [409, conflict],
  [413, tooLarge],
  // Bedrock: the model failed while it was working on the request.
  [424, upstream],
  [429, throttled],
  [431, { ...tooLarge, action: 'Send fewer or shorter headers.' }],
  [
    499,
    {
      ...transient,
      retry: 'elsewhere',
      countsAs: 'weak',
      kind: 'timeout',
      action: 'Look at the limits of the proxies in between: one gave up waiting.',
    },
  ],
  [500, upstream],
  [501, unsupported],
  [502, gateway],
  [503, gateway],
  [504, tooSlow],
  [529, overloaded],
]);

/** By types too general to overrule a status: all there is inside a stream. */
export const byType: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['invalid_request_error', invalid],
  ['timeout_error', tooSlow],
  ['api_error', upstream],
]);

const badAnswer: Row = {
  ...transient,
  scope: 'request',
  kind: 'bad-answer',
  action: 'Retry; if it persists, look at what cuts or replaces answers between here and the upstream.',
};
const redirected: Row = {
  ...denied,
  scope: 'target',
  kind: 'bad-answer',
  action: 'Check the base URL: redirects are not followed, because they would carry credentials along.',
};

/** A status outside the table takes the rule of its hundred. */
export function byHundred(status: number): Row {
  if (status >= 300 && status < 400) return redirected;
  return status >= 400 && status < 500 ? invalid : gateway;
}

/** Good status, unusable body. */
export const byBadBody: Readonly<Record<BadBody, Row>> = {
  truncated: badAnswer,
  reset: badAnswer,
  empty: badAnswer,
  html: badAnswer,
  'not-json': badAnswer,
  'not-a-message': badAnswer,
  'error-envelope': badAnswer,
  redirect: redirected,
  // It would be as large again.
  oversized: { ...badAnswer, retry: 'never' },
};

const broken: Row = {
  ...transient,
  scope: 'request',
  billed: 'yes',
  kind: 'stream-broken',
  action: 'Continue the answer from what was delivered.',
};

/** Streams that break without saying why. */
export const byBreak: Readonly<Record<StreamBreak, Row>> = {
  socket: broken,
  'early-end': broken,
  stall: broken,
  malformed: broken,
  oversized: broken,
  'wrong-type': badAnswer,
};

const limit: Row = { ...transient, kind: 'timeout', action: 'Retry; for long answers stream, or raise the limit.' };

/** Our own limits. The total one is as short as the caller likes, so it tells less about the target. */
export const byLimit: Readonly<Record<'first-byte' | 'idle' | 'total', Row>> = {
  'first-byte': limit,
  idle: limit,
  total: { ...limit, countsAs: 'weak', action: 'Give the call more time, ask for fewer tokens, or stream.' },
};

const runtimeLimit: Row = { ...limit, action: 'Stream long answers, or raise the limit of the HTTP client (300 s in Node.js).' };

/** Failed connections with a code that says more than whether the request was sent. */
export const byConnectionCode: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['UND_ERR_HEADERS_TIMEOUT', runtimeLimit],
  ['UND_ERR_BODY_TIMEOUT', runtimeLimit],
  [
    'ERR_INVALID_URL',
    { ...denied, scope: 'target', kind: 'unreachable', action: 'Check the base URL of this target: it is no valid address.' },
  ],
]);

const noCredentials: Row = {
  ...denied,
  kind: 'credentials',
  disable: 'credentials',
  action: 'Log in again, or check the credential provider of this target.',
};

/** Requests that were never made. */
export const local: Readonly<Record<'credentials' | 'credentialsUnreachable' | 'program', Row>> = {
  credentials: noCredentials,
  // Whoever gives them out could not be reached, which may pass.
  credentialsUnreachable: { ...noCredentials, retry: 'here', disable: undefined },
  program: { ...permanent, kind: 'local-error', action: 'Fix this program: its code, or the SDK, refused before anything was sent.' },
};

export const connections: Readonly<Record<'unsent' | 'maybeSent' | 'certificate' | 'tooSlow', Row>> = {
  unsent: { ...transient, billed: 'no', kind: 'unreachable', action: 'Check network, DNS and proxy: nothing was sent.' },
  maybeSent: { ...transient, kind: 'unreachable', action: 'Retry with backoff: the request may have been received.' },
  certificate: {
    ...transient,
    retry: 'elsewhere',
    billed: 'no',
    kind: 'unreachable',
    action: 'Mend the certificate or the trust store: retrying cannot help.',
  },
  tooSlow: limit,
};

/** Fast mode has capacity and limits of its own: the model may well answer at standard speed. */
export const fastAction = 'Leave out speed, or wait: fast mode has its own capacity and limits.';
