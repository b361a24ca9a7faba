/** Something with lines that must not be lost when the process ends. */
export interface Flushable {
  /** Writes what waits, synchronously. Must return even if it cannot be written. */
  flushSync(): void;
}

const open = new Set<Flushable>();

const flushAll = (): void => {
  for (const each of open) each.flushSync();
};

/**
 * Flushes `target` when the process ends by itself, by `process.exit` or by an uncaught exception; a signal that kills outright
 * leaves no time. One listener serves all, and it is there only while something is open: no signal handler, since the library is
 * a guest.
 *
 * @returns ends it
 */
export const flushAtExit = (target: Flushable): (() => void) => {
  if (open.size === 0) process.on('exit', flushAll);
  open.add(target);
  return () => {
    open.delete(target);
    if (open.size === 0) process.off('exit', flushAll);
  };
};
