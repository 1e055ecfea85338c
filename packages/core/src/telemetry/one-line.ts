// Values from the wire may carry line breaks or escape sequences, and may be long. What is recorded is one short line.

/** `text` on one line of at most 256 characters. */
export const oneLine = <T extends string | null>(text: T): T =>
  // oxlint-disable-next-line no-control-regex
  (text === null ? null : text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').slice(0, 256)) as T;
