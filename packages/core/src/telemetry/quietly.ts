// Callbacks of the application that only hear of something.

/**
 * Calls one that only hears of something, such as `onError`. What it throws, or rejects with later, harms nobody: it must not
 * become the failure of the answer, nor end the process.
 */
export function quietly(tell: () => unknown): void {
  try {
    const told = tell();
    // A promise of any make: nobody waits for it.
    if (typeof told === 'object' && told !== null) Promise.resolve(told).catch(() => {});
  } catch {
    // Nobody waits for it.
  }
}
