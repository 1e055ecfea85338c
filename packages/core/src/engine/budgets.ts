// The retry budgets: one per kind of request, and one per credential that a caller brought.

import { BoundedMap } from '../policy/bounded-map.ts';
import { RetryBudget, type RetryBudgetOptions } from '../policy/retry-budget.ts';
import type { Credential, RouteName } from '../policy/target-state.ts';

interface Spender {
  readonly route: RouteName;
  readonly credential: Credential;
}

/** What a call may draw from. */
export interface CallBudget {
  /** Another request can be paid for. */
  canPay(now: number): boolean;
  pay(now: number): void;
  /** An attempt succeeded. */
  deposit(): void;
}

/** Callers may bring as many keys as they like. */
const mostCallers = 256;

const unlimited: CallBudget = { canPay: () => true, pay() {}, deposit() {} };

export class Budgets {
  readonly #options: RetryBudgetOptions | false;
  readonly #operator = new Map<RouteName, PayingBudget>();
  readonly #callers = new BoundedMap<PayingBudget>(mostCallers);

  constructor(options: RetryBudgetOptions | false) {
    this.#options = options;
  }

  of({ route, credential }: Spender): CallBudget {
    const options = this.#options;
    if (options === false) return unlimited;
    if (credential.isCallers) return this.#callers.use(`${route}/${credential.id}`, () => new PayingBudget(options));
    let budget = this.#operator.get(route);
    if (!budget) this.#operator.set(route, (budget = new PayingBudget(options)));
    return budget;
  }

  /** Messages of the operator's own may be repeated. */
  canRetry(now: number): boolean {
    return this.of({ route: 'messages', credential: { id: '', isCallers: false } }).canPay(now);
  }

  /** What is left for messages of the operator's own, 0 to 1; null without a budget. */
  leftAt(now: number): number | null {
    if (this.#options === false) return null;
    const budget = (this.#operator.get('messages') ?? new PayingBudget(this.#options)).budget;
    return Math.min(1, budget.levelAt(now) / budget.capacity);
  }
}

class PayingBudget implements CallBudget {
  readonly budget: RetryBudget;

  constructor(options: RetryBudgetOptions) {
    this.budget = new RetryBudget(options);
  }

  canPay(now: number): boolean {
    return this.budget.levelAt(now) >= 1;
  }

  pay(now: number): void {
    this.budget.tryTake(now);
  }

  deposit(): void {
    this.budget.deposit();
  }
}
