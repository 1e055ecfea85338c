// Virtual time: what happens next, in order.

/** Something that happens at a moment. */
export interface Task {
  run(now: number): void;
}

/** A binary heap of tasks by time, in milliseconds. Two arrays instead of one of pairs: scheduling allocates nothing. */
export class EventQueue {
  readonly #times: number[] = [];
  readonly #tasks: Task[] = [];

  schedule(at: number, task: Task): void {
    const times = this.#times;
    const tasks = this.#tasks;
    let slot = times.length;
    times.push(at);
    tasks.push(task);
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const time = times[parent] as number;
      if (time <= at) break;
      times[slot] = time;
      tasks[slot] = tasks[parent] as Task;
      slot = parent;
    }
    times[slot] = at;
    tasks[slot] = task;
  }

  /** Runs every task up to and including `until`, and those they schedule. */
  run(until = Infinity): void {
    while (this.#tasks.length > 0 && (this.#times[0] as number) <= until) {
      const now = this.#times[0] as number;
      this.#takeFirst().run(now);
    }
  }

  #takeFirst(): Task {
    const times = this.#times;
    const tasks = this.#tasks;
    const first = tasks[0] as Task;
    const lastTime = times.pop() as number;
    const last = tasks.pop() as Task;
    const size = times.length;
    if (size === 0) return first;
    let slot = 0;
    for (let child = 1; child < size; child = 2 * slot + 1) {
      if (child + 1 < size && (times[child + 1] as number) < (times[child] as number)) child += 1;
      if ((times[child] as number) >= lastTime) break;
      times[slot] = times[child] as number;
      tasks[slot] = tasks[child] as Task;
      slot = child;
    }
    times[slot] = lastTime;
    tasks[slot] = last;
    return first;
  }
}
