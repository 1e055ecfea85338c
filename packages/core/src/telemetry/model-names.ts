// Which model names may label a time series: callers choose them, and every series costs.

/** Names kept apart; the others count as `other`. */
const most = 64;
/** Half of the places are for names that an upstream has answered to, so that inventions cannot take them all. */
const mostUnproven = most / 2;
/** Nothing longer is a model’s name. Characters. */
const longest = 100;

export class ModelNames {
  readonly #known = new Set<string>();

  /** What `name` is called in a time series: itself, `other`, or `none` where a call has no model. */
  label(name: string | null): string {
    if (name === null) return 'none';
    if (this.#known.has(name)) return name;
    if (this.#known.size >= mostUnproven || name.length > longest) return 'other';
    this.#known.add(name);
    return name;
  }

  /** An upstream answered to it: somebody’s invention it is not. */
  answered(name: string | null): void {
    if (name !== null && this.#known.size < most && name.length <= longest) this.#known.add(name);
  }
}
