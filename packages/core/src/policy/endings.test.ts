import { describe, expect, it } from 'vitest';
import { readFailure } from '../wire/sdk-error.ts';
import { endings, errorCodeOf, failureKinds, reasonOfCode, type SurfaceReason } from './endings.ts';
import { detailsOf, labelsOf, problemKindOf, storyOfEnding, storyOfError, storyOfVerdict } from './story.ts';
import type { FailureKind, Verdict } from './verdict.ts';

const reasons = Object.keys(endings) as SurfaceReason[];
const kinds = Object.keys(failureKinds) as FailureKind[];
const verdict: Verdict = {
  kind: 'upstream-error',
  retry: 'here',
  scope: 'target',
  countsAs: 'failure',
  billed: 'no',
  reason: 'status-500',
  action: 'Do this.',
};
const sentence = /^[A-Z][^.!?\n]*\.$/;

describe('an end of ours', () => {
  it.each(reasons)('%s says it in words that the SDK does not take for its own', (reason) => {
    expect(endings[reason].message).not.toMatch(/timed? ?out/i);
    expect(endings[reason].action).toMatch(sentence);
    expect(endings[reason].status).toBeGreaterThanOrEqual(499);
  });

  it.each(reasons)('%s is known again by its error', (reason) => {
    const story = storyOfEnding(reason, null, 1_500);
    const { type, message, status } = endings[reason];
    const details = { error_code: errorCodeOf(reason), call_id: 'call-1', ...detailsOf(story) };
    const error = {
      name: 'APIError',
      status,
      type,
      errorCode: details.error_code,
      error: { type: 'error', error: { type, message, details } },
    };

    expect(reasonOfCode(errorCodeOf(reason))).toBe(reason);
    expect(storyOfError(readFailure(error), 0)).toEqual(story);
    expect(problemKindOf(story.kind)).toBe(endings[reason].problem);
  });

  it.each(reasons.filter((reason) => endings[reason].ofUpstream))('%s tells the verdict on the failure behind it', (reason) => {
    const story = storyOfEnding(reason, { ...verdict, kind: 'billing', retry: 'elsewhere', reason: 'own_spend_limit' }, null);
    const details = { error_code: errorCodeOf(reason), ...detailsOf(story) };

    expect(story).toMatchObject({ kind: 'billing', reason: 'own_spend_limit', action: 'Do this.', retryable: false });
    expect(storyOfError(readFailure({ name: 'APIError', error: { error: { details } } }), 0)).toMatchObject({
      kind: 'billing',
      reason: 'own_spend_limit',
      retryable: false,
    });
  });

  it.each(reasons.filter((reason) => !endings[reason].ofUpstream))('%s is what it is, whatever failed before', (reason) => {
    expect(storyOfEnding(reason, verdict, null).kind).toBe(reason);
  });
});

describe('a verdict on the upstream', () => {
  it.each(kinds.flatMap((kind) => [true, false].map((retryable) => [kind, retryable] as const)))(
    'travels with a refusal: %s, retryable: %s',
    (kind, retryable) => {
      const story = storyOfVerdict({ ...verdict, kind, retry: retryable ? 'here' : 'never', waitMs: 2_500 });
      // The mark is ours, and no word of the upstream's.
      const headers = new Headers({ ...labelsOf(story), 'x-should-retry': 'false' });
      const told = storyOfError(readFailure({ name: 'X', status: 500, headers, error: { error: { type: 'api_error' } } }), 0);

      expect(told).toMatchObject({ kind, retryable, reason: 'status-500', retryAfterMs: 2_500 });
      expect(told?.action).toMatch(sentence);
    },
  );

  it('is read anew where no label tells it', () => {
    const headers = new Headers({ 'holdfast-kind': 'no kind of ours', 'x-should-retry': 'false' });

    expect(storyOfError(readFailure({ name: 'X', status: 500, headers, error: {} }), 0)).toMatchObject({
      kind: 'upstream-error',
      retryable: false,
    });
  });

  it('is told of nothing that is not Claude’s', () => {
    expect(storyOfError(readFailure(new Error('boom')), 0)).toBeNull();
    expect(storyOfError(readFailure(undefined), 0)).toBeNull();
  });
});
