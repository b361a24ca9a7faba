/**
 * Shortens a text to about `max` characters and says how much is gone. The end is kept too: in a traceback the last line is the
 * one that matters. Lone surrogates become U+FFFD, since strict JSON readers refuse a line that holds one.
 */
export const cut = (text: string, max: number): string => {
  if (text.length <= max) return text.toWellFormed();
  const head = Math.ceil((max * 2) / 3);
  const tail = max - head;
  const end = tail > 0 ? text.slice(-tail) : '';
  return `${text.slice(0, head)}… [${text.length - max} characters cut] …${end}`.toWellFormed();
};

/** Beyond this a decimal rendering takes noticeable time: it is quadratic in the length. */
const LARGEST_SHOWN = 2n ** 256n;

/** A BigInt in decimal, as on the wire of the gateway; a monstrous one by name only. */
export const bigintText = (value: bigint): string =>
  value < LARGEST_SHOWN && value > -LARGEST_SHOWN ? value.toString() : '[bigint]';
