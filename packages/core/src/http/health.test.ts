import { describe, expect, it } from 'vitest';
import { healthReply, type HealthStatus } from './health.ts';

const source = (status: HealthStatus) => ({ health: () => ({ status, targets: ['secret-target'] }) });

describe('a health probe', () => {
  it.each([
    ['live', 'ok', false, 200, 'ok'],
    ['live', 'down', true, 200, 'ok'],
    ['ready', 'ok', false, 200, 'ok'],
    ['ready', 'degraded', false, 200, 'degraded'],
    ['ready', 'down', false, 503, 'down'],
    ['ready', 'ok', true, 503, 'draining'],
    ['status', 'degraded', false, 200, 'degraded'],
    ['status', 'down', false, 503, 'down'],
  ] as const)('for %s with a source that is %s (draining: %s) answers %i %s', (probe, state, draining, status, word) => {
    expect(healthReply(probe, source(state), { draining })).toMatchObject({ status, body: { status: word } });
  });

  it('is degraded, and ready, while one of several sources answers', () => {
    expect(healthReply('ready', { chat: source('down'), batch: source('ok') })).toMatchObject({
      status: 200,
      body: { status: 'degraded', claude: { chat: 'down', batch: 'ok' } },
    });
  });

  it('shows details only when asked', () => {
    expect(JSON.stringify(healthReply('ready', source('ok')))).not.toContain('secret-target');
    expect(JSON.stringify(healthReply('ready', source('ok'), { details: true }))).toContain('secret-target');
  });

  it('survives a source that throws', () => {
    const broken = {
      health: (): never => {
        throw new Error('no');
      },
    };

    expect(healthReply('ready', broken)).toMatchObject({ status: 200, body: { status: 'degraded' } });
  });
});
