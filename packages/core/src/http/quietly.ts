// Callbacks of the application that only hear of something.

/** Calls one whose failure, at once or later, must not become that of the answer. */
export function quietly(tell: () => unknown): void {
  try {
    const told = tell();
    if (told instanceof Promise) told.catch(() => {});
  } catch {
    // Nobody waits for it.
  }
}
