// Two streams that run at once under one id have one place in the store. The younger has it while it lives, and none of them
// takes away what the other wrote.

import type { CheckpointStore } from './checkpoint-store.ts';

/** Streams that nobody read to the end leave empty places behind: so many are kept before they are looked for. */
const mostPlaces = 1_000;

/** Who writes under which key of one store. Streams that are gone are no owners: they are held weakly. */
export class CheckpointOwners {
  static readonly #byStore = new WeakMap<CheckpointStore, CheckpointOwners>();
  readonly #owners = new Map<string, { readonly owner: WeakRef<object>; readonly order: number }>();
  readonly #orders = new WeakMap<object, number>();
  #next = 0;

  static of(store: CheckpointStore): CheckpointOwners {
    let owners = CheckpointOwners.#byStore.get(store);
    if (!owners) CheckpointOwners.#byStore.set(store, (owners = new CheckpointOwners()));
    return owners;
  }

  /** May `owner` write under `key`? Not while a younger one does. */
  claim(key: string, owner: object): boolean {
    const order = this.#orderOf(owner);
    const held = this.#owners.get(key);
    if (held && held.order > order && held.owner.deref()) return false;
    if (held?.order !== order) this.#owners.set(key, { owner: new WeakRef(owner), order });
    if (this.#owners.size > mostPlaces) this.#sweep();
    return true;
  }

  /** `owner` writes no more. True if what is there is its own. */
  release(key: string, owner: object): boolean {
    const held = this.#owners.get(key);
    if (held === undefined) return true;
    if (held.owner.deref() !== owner) return false;
    this.#owners.delete(key);
    return true;
  }

  #orderOf(owner: object): number {
    let order = this.#orders.get(owner);
    if (order === undefined) this.#orders.set(owner, (order = this.#next += 1));
    return order;
  }

  #sweep(): void {
    for (const [key, { owner }] of this.#owners) if (!owner.deref()) this.#owners.delete(key);
  }
}
