// The table of failures as data. Codes and meanings: the SDK's `core/error-classes.ts` and `resources/shared.ts`, and the
// error pages of https://platform.claude.com/docs/en/api/errors.

import type { Verdict } from './verdict.ts';

export type Row = Omit<Verdict, 'reason' | 'waitMs'>;

const permanent = (kind: Row['kind'], action: string): Row => ({ kind, retry: 'never', scope: 'request', countsAs: 'neutral', billed: 'no', action });
const account = (kind: Row['kind'], action: string, disable?: NonNullable<Row['disable']>): Row => ({ kind, retry: 'elsewhere', scope: 'account', countsAs: 'neutral', billed: 'no', action, ...(disable ? { disable } : {}) });

const invalid = permanent('invalid-request', 'Fix the request; sending it again cannot help.');
const spend = account('billing', 'Raise the spend limit or wait for the next month; retrying never helps.', 'month-end');
const key = account('auth', 'Check the API key or token of this target.', 'credentials');
const keyState = account('account-state', 'Restore the account or its encryption key; other accounts are not affected.', 'credentials');
const thread = permanent('thread-state', 'Replay the whole conversation as a new thread.');
const tooLarge = permanent('too-large', 'Send less: the request is larger than the API accepts.');
const throttled: Row = { kind: 'rate-limited', retry: 'here', scope: 'model', countsAs: 'throttled', billed: 'no', action: 'Wait as long as retry-after says, or ask another target.' };
const overloaded: Row = { kind: 'overloaded', retry: 'here', scope: 'model', countsAs: 'failure', billed: 'no', action: 'Back off widely and consider another target or model.' };
const upstream: Row = { kind: 'upstream-error', retry: 'here', scope: 'target', countsAs: 'failure', billed: 'maybe', action: 'Retry with backoff.' };
const slow: Row = { kind: 'timeout', retry: 'here', scope: 'model', countsAs: 'weak', billed: 'yes', action: 'Stream it or ask for less: asking again costs the same again.' };
const notFound = account('not-found', 'Check the model id and the endpoint for this target.');
const unreachableKey: Row = { kind: 'account-state', retry: 'here', scope: 'account', countsAs: 'weak', billed: 'no', action: 'The workspace’s encryption key cannot be reached; wait minutes, not seconds.' };

/** By status, for answers without a code that is known. */
export const statusRows: ReadonlyMap<number, Row> = new Map<number, Row>([
  [400, invalid],
  [401, key],
  [402, account('billing', 'Settle the account’s billing.', 'credentials')],
  [403, account('permission', 'Check what this key may use.')],
  [404, notFound],
  [408, { kind: 'timeout', retry: 'here', scope: 'target', countsAs: 'weak', billed: 'no', action: 'Retry: the request did not arrive in time.' }],
  // The SDK repeats every 409. On messages the only declared one is permanent; a transient one says so by x-should-retry.
  [409, permanent('conflict', 'Look at what the request conflicts with.')],
  [412, invalid],
  [413, tooLarge],
  [422, invalid],
  [429, throttled],
  [431, tooLarge],
  [499, { kind: 'timeout', retry: 'elsewhere', scope: 'target', countsAs: 'weak', billed: 'maybe', action: 'A proxy gave up waiting: look at its limits.' }],
  [500, upstream],
  [501, account('unsupported', 'This target cannot do what was asked.')],
  [502, { ...upstream, billed: 'no' }],
  [503, { ...upstream, billed: 'no' }],
  [504, slow],
  [529, overloaded],
]);

/** By error code, or by status and code where a code means different things. */
export const codeRows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['own_spend_limit', account('billing', 'Raise the limit you set for this organisation or workspace.', 'month-end')],
  ['enforced_spend_limit_reached', spend],
  ['contract_spend_limit_reached', spend],
  ['ramp_limit_exceeded', { ...throttled, action: 'Usage grew too fast: wait, then grow gradually.' }],
  ['compaction_unavailable', { ...overloaded, scope: 'request', countsAs: 'neutral', action: 'Compaction is busy: retry, or go without it.' }],
  ['cmek_key_unreachable', unreachableKey],
  ['cmek_context_unavailable', unreachableKey],
  ['registration_pending', { ...unreachableKey, action: 'Registration is under way; try again in minutes.' }],
  ['cmek_key_disabled', keyState],
  ['cmek_key_network_blocked', keyState],
  ['organization_on_hold', keyState],
  ['thread_continue_in_flight', thread],
  ['thread_already_continued', thread],
  ['thread_not_found', thread],
  ['thread_fingerprint_mismatch', thread],
  ['thread_unsupported_request', thread],
  ['request_body_timeout', { kind: 'timeout', retry: 'here', scope: 'request', countsAs: 'neutral', billed: 'no', action: 'Retry: the body did not arrive in time and nothing was done.' }],
  ['request_body_too_large_after_decoding', tooLarge],
  ['image_dimensions_too_large', tooLarge],
  ['user_profile_required', permanent('permission', 'This account requires a user profile on the request.')],
  ['sandbox_egress_restricted', permanent('permission', 'The sandbox may not reach that host.')],
  ['skill_read_blocked_undecryptable', permanent('conflict', 'The skill’s encryption key is gone.')],
]);

/** In-stream errors carry a type and no status: Anthropic’s names, then Amazon’s, then Google’s. */
export const typeRows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['invalid_request_error', invalid],
  ['authentication_error', key],
  ['billing_error', account('billing', 'Settle the account’s billing.', 'credentials')],
  ['permission_error', account('permission', 'Check what this key may use.')],
  ['not_found_error', notFound],
  ['conflict_error', permanent('conflict', 'Look at what the request conflicts with.')],
  ['request_too_large', tooLarge],
  ['rate_limit_error', throttled],
  ['timeout_error', slow],
  ['api_error', upstream],
  ['overloaded_error', overloaded],
  ['validationException', invalid],
  ['accessDeniedException', account('permission', 'Check what this key may use.')],
  ['resourceNotFoundException', notFound],
  ['throttlingException', throttled],
  ['serviceQuotaExceededException', throttled],
  ['modelTimeoutException', slow],
  ['modelStreamErrorException', upstream],
  ['modelErrorException', upstream],
  ['modelNotReadyException', overloaded],
  ['internalServerException', upstream],
  ['serviceUnavailableException', overloaded],
  ['INVALID_ARGUMENT', invalid],
  ['UNAUTHENTICATED', key],
  ['PERMISSION_DENIED', account('permission', 'Check what this key may use.')],
  ['NOT_FOUND', notFound],
  ['RESOURCE_EXHAUSTED', throttled],
  ['INTERNAL', upstream],
  ['UNAVAILABLE', overloaded],
  ['DEADLINE_EXCEEDED', slow],
]);
