// The one error class of ours: a wrong configuration, reported whole, at start-up.

/** One mistake in the options. */
export interface ConfigProblem {
  /** Stable, for searching: `HOLDFAST_OPTION_RANGE`. */
  readonly code: string;
  /** Where: `retry.attempts`. */
  readonly path: string;
  /** What is wrong and what would be right. */
  readonly message: string;
}

/** Thrown by `holdfast()` when options are wrong. `problems` holds all of them, not only the first. */
export class HoldfastConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`Holdfast options:\n${problems.map(({ code, path, message }) => `- ${path}: ${message} (${code})`).join('\n')}`);
    this.name = 'HoldfastConfigError';
    this.problems = problems;
  }
}
