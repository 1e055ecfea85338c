import { expect, it } from 'vitest';
import { versionAt } from './api-version.ts';
import type { TargetKind } from './target.ts';

const everywhere: TargetKind[] = ['anthropic', 'gateway', 'aws', 'google-cloud', 'foundry', 'bedrock-mantle'];
const said = (kind: TargetKind, version: string | null, model = 'claude-opus-5-5'): string | null => {
  const at = versionAt({ kind }, version, model);
  return at.type === 'ok' ? at.version : 'unknown';
};

it.each([null, '2026-10-21'])('%s is what the SDK writes: a target’s client says its own', (version) => {
  for (const kind of [...everywhere, 'bedrock', 'vertex'] as const) expect(said(kind, version)).toBeNull();
});

it.each(['2023-06-01', 'bedrock-2023-05-31', 'vertex-2023-10-16'])('%s is said in each platform’s own words', (version) => {
  for (const kind of everywhere) expect(said(kind, version)).toBe('2023-06-01');
  expect(said('bedrock', version)).toBe('bedrock-2023-05-31');
  expect(said('vertex', version)).toBe('vertex-2023-10-16');
});

it('a version that nobody knows here is said as it is where the API is Anthropic’s, and nowhere else', () => {
  for (const kind of everywhere) expect(said(kind, '2023-01-01')).toBe('2023-01-01');
  expect([said('bedrock', '2023-01-01'), said('vertex', '2023-01-01')]).toEqual(['unknown', 'unknown']);
});

it.each<[TargetKind, string, string | null]>([
  ['bedrock', 'us.anthropic.claude-opus-4-6-v1', 'bedrock-2023-05-31'],
  ['bedrock', 'us.anthropic.claude-opus-4-7-v1', null],
  ['bedrock', 'arn:aws:bedrock:us-east-1:1:application-inference-profile/x', null],
  ['bedrock-mantle', 'anthropic.claude-haiku-4-5', '2023-06-01'],
  ['bedrock-mantle', 'anthropic.claude-opus-5-5', null],
  ['vertex', 'claude-haiku-4-5@20251001', null],
])('%s is asked for %s in %s', (kind, model, version) => {
  expect(said(kind, '2026-10-21', model)).toBe(version);
});
