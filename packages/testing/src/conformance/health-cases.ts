// Health probes in every state of the upstream.

import assert from 'node:assert/strict';
import type { Case, HealthState } from './world.ts';

const expected: readonly [state: HealthState, live: number, ready: number][] = [
  ['ok', 200, 200],
  ['degraded', 200, 200],
  ['down', 200, 503],
];

export const healthCases: readonly Case[] = expected.map(([state, live, ready]) => ({
  name: `is live with ${live} and ready with ${ready} when Claude is ${state}`,
  async run(world) {
    world.setHealth(state);
    const [liveReply, readyReply, statusReply] = await Promise.all([world.ask('live'), world.ask('ready'), world.ask('status')]);
    world.setHealth('ok');

    assert.deepEqual([liveReply.status, readyReply.status, statusReply.status], [live, ready, ready]);
    assert.equal((JSON.parse(statusReply.body) as { status: string }).status, state);
    for (const reply of [liveReply, readyReply, statusReply]) assert.ok(!reply.body.includes('frankfurt'), 'details are not for everyone');
  },
}));
