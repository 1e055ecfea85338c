// The public face of @holdfast/testing.

export { fakeClaude, type FakeClaude, type FakeClaudeOptions } from './fake-claude.ts';
export type { FaultSwitches, Only, RandomFaults } from './fault-plan.ts';
export { cut, faults, status, streamError, toFault, type Fault, type FaultLike, type FaultName } from './faults.ts';
export { misbehaviours, type Misbehaviour } from './continue.ts';
export type { RequestRecord } from './ledger.ts';
export type { Reported } from './reported.ts';
export { acceptsPrefill, ruleBreach, type Refusal } from './rules.ts';
export { referenceAnswer, scenarioNames, type Answer, type ContentBlock, type Scenario } from './scenarios.ts';
export { seededRandom } from './seeded-random.ts';
export { multiByteProse, prose } from './texts.ts';
export { VirtualClock } from './virtual-clock.ts';
export { eventsFor, messageBody, type Usage, type WireEvent, type WireMessage } from './wire.ts';
