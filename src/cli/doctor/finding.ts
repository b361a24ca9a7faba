/** `fail`: serving does not work; `warn`: it does, less well. */
export type Status = 'ok' | 'warn' | 'fail';

/** What one check found. */
export interface Finding {
  /** Short name of what was looked at, e.g. `python` or `python (nlp)`. */
  readonly check: string;
  readonly status: Status;
  /** What was found. May have several lines, e.g. a traceback. */
  readonly detail: string;
  /** What to do about it. On everything that is not `ok`. */
  readonly remedy?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });
export const warn = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'warn',
  detail,
  remedy,
});
export const fail = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'fail',
  detail,
  remedy,
});
