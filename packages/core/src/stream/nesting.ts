// JSON can be nested so deep that whoever writes it again runs out of stack. No real event or checkpoint is near that.

/** Braces and brackets within each other. */
const deepest = 500;

const quote = 34;
const backslash = 92;

/** `json`, which is known to be well-formed, is nested deeper than anything real, within `around` further levels. */
export function isTooDeep(json: string, around = 0): boolean {
  // Almost everything is too short for it.
  if (json.length < (deepest - around) * 2) return false;
  let depth = around;
  for (let at = 0; at < json.length; at += 1) {
    switch (json.charCodeAt(at)) {
      case quote:
        at = endOfString(json, at);
        break;
      case 91: // [
      case 123: // {
        depth += 1;
        if (depth > deepest) return true;
        break;
      case 93: // ]
      case 125: // }
        depth -= 1;
    }
  }
  return false;
}

/** The quote that closes the string which begins at `at`. */
function endOfString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let slashes = 0;
    while (json.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return json.length;
}
