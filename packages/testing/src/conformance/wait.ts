// Waits of the suite. Nothing sleeps for a fixed time: every wait ends with what it waits for, or fails with its name.

const limitMs = 15_000;

export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${limitMs} ms in vain for ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `isTrue` holds. */
export async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves with the value `read` gives when it has not changed over `looks` looks in a row. */
export async function steady(read: () => number, what: string, looks = 20): Promise<number> {
  let value = read();
  let same = 0;
  await until(() => {
    const next = read();
    same = next === value ? same + 1 : 0;
    value = next;
    return same >= looks;
  }, what);
  return value;
}
