/** A value with more parts than this is not looked through. */
const MAX_PARTS = 5000;

/**
 * Roughly how much memory a value takes, in bytes; infinite for one of too many parts, such as a cycle. Texts weigh a byte a character, which is what V8
 * needs unless one of them lies beyond Latin-1.
 */
export const weigh = (value: unknown): number => {
  const left: unknown[] = [value];
  let bytes = 0;
  for (let parts = 0; left.length > 0; parts++) {
    if (parts + left.length > MAX_PARTS) return Number.POSITIVE_INFINITY;
    const part = left.pop();
    if (typeof part === 'string') bytes += 16 + part.length;
    else if (ArrayBuffer.isView(part)) bytes += 64 + part.byteLength;
    else if (typeof part !== 'object' || part === null) bytes += 8;
    else {
      const members = Object.values(part);
      if (members.length > MAX_PARTS) return Number.POSITIVE_INFINITY;
      bytes += 32 + 8 * members.length;
      for (const member of members) left.push(member);
    }
  }
  return bytes;
};
