// What a failed Claude call is to a client, whatever threw it.

import type { ProblemKind } from '../policy/endings.ts';
import { problemKindOf, storyOfEnding, storyOfError, type Story } from '../policy/story.ts';
import type { Failure } from '../wire/sdk-error.ts';

/** The story of an error that is known to come from a Claude call: what says nothing of itself just ended. */
export const storyOf = (failure: Failure, now: number): Story => storyOfError(failure, now) ?? storyOfEnding('stream-broken', null, null);

/** The kind of problem behind a story. */
export const kindOf = ({ kind }: Story): ProblemKind => problemKindOf(kind);
