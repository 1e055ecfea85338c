// The pictures of docs/simulator.md.

import { frontier } from './frontier.ts';
import { svg, type Line } from './plot.ts';
import { policies, type Policy } from './policies.ts';
import { scenarioNamed } from './scenarios.ts';
import { simulate } from './simulate.ts';
import type { Tally } from './tally.ts';

const shown = ['SDK default', 'classic guide', 'Holdfast'];

/** Every picture, by file name. */
export function plots(): Map<string, string> {
  return new Map([
    [
      'simulator-outage-load.svg',
      story('outage', 'requests', 'An outage of a minute: what the upstream has to refuse', 'requests per second'),
    ],
    ['simulator-outage-answers.svg', story('outage', 'good', 'The same outage: calls that end well, by arrival', 'calls per second')],
    ['simulator-collapse.svg', story('collapse', 'good', 'A long line, worked off for callers who left', 'calls per second that end well')],
    ['simulator-frontier.svg', tradeOff()],
  ]);
}

function story(name: string, what: keyof Pick<Tally, 'requests' | 'good'>, title: string, yTitle: string): string {
  const scenario = scenarioNamed(name);
  const from = scenario.troubleFromMs / 1000;
  const until = scenario.troubleUntilMs / 1000;
  const lines = shown.map((policy) => {
    const { tally } = simulate(scenario, policies.find((each) => each.name === policy) as Policy);
    const points: Line['points'] = Array.from(tally[what].slice(from - 10, until + 40), (count, index) => [index - 10, count]);
    return { name: policy, points };
  });
  return svg({ title, xTitle: 'seconds since the trouble began', yTitle, lines, shaded: [0, until - from] });
}

function tradeOff(): string {
  // Beyond five seconds nothing is gained.
  const points = frontier('breaker.waitMs').filter(({ value }) => value <= 5_000);
  return svg({
    title: 'How long a call waits for an open circuit (breaker.waitMs): load against recovery',
    xTitle: 'seconds to recover from an outage',
    yTitle: 'requests per call during it',
    lines: [{ name: '1,000 clients', points: points.map(({ measures: { outage } }) => [outage.recoverySeconds, outage.amplification]) }],
    labels: points.map(({ value }) => `${value / 1000} s`),
  });
}
