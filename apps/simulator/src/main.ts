// `pnpm simulate`: every scenario under every policy.

import { policies } from './policies.ts';
import { table } from './report.ts';
import { scenarios } from './scenarios.ts';
import { simulate } from './simulate.ts';

for (const scenario of scenarios) console.log(table(policies.map((policy) => simulate(scenario, policy))));
