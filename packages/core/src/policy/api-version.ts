// The version of the API a request is written in, and how a target says the same.

import { modelFacts } from './models.ts';
import type { TargetFacts } from './target.ts';

/** What the SDK writes unless it is told otherwise. https://platform.claude.com/docs/en/api/versioning */
const current = '2026-10-21';
/** Knows `temperature`, `top_p`, `top_k`, and all that the current one knows. */
const older = '2023-06-01';

/** The older version in the words of the platforms that have words of their own. */
const words: Readonly<Partial<Record<TargetFacts['kind'], string>>> = {
  bedrock: 'bedrock-2023-05-31',
  vertex: 'vertex-2023-10-16',
};

export type Versioned =
  /** The `anthropic-version` to send; null: the target's client says its own. */
  { readonly type: 'ok'; readonly version: string | null } | { readonly type: 'unknown' };

/**
 * The version for a request that was written in `version` (its `anthropic-version`), at `target`, for the model `modelId`.
 *
 * What the SDK writes by default says nothing of the caller, so the target's client says its own: it may have been given
 * another. A version the caller chose decides what its request means: it comes along, or the target cannot take it.
 */
export function versionAt({ kind }: Pick<TargetFacts, 'kind'>, version: string | null, modelId: string): Versioned {
  const isOlder = version === older || Object.values(words).includes(version as string);
  if (isOlder) return { type: 'ok', version: words[kind] ?? older };
  if (version === null || version === current) return { type: 'ok', version: needsOlder(kind, modelId) ? (words[kind] ?? older) : null };
  return kind in words ? { type: 'unknown' } : { type: 'ok', version };
}

/** Models before 4.7 refuse the current version on Amazon Bedrock. https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock-legacy */
function needsOlder(kind: TargetFacts['kind'], modelId: string): boolean {
  if (kind !== 'bedrock' && kind !== 'bedrock-mantle') return false;
  const { known, samplingParameters } = modelFacts(modelId);
  // The last models with sampling parameters are the last ones before 4.7.
  return known && samplingParameters;
}
