/** What `snakepit config` reads of the server's answers. Any member may be missing: the server may be of another version. */
export interface ConfigView {
  readonly version?: number;
  readonly file?: string | null;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly drift?: readonly DriftView[];
  readonly live?: readonly string[];
  readonly origins?: Readonly<Record<string, string>>;
}

/** A key whose value in force is not the one that was configured. */
export interface DriftView extends ChangeView {
  readonly live?: boolean;
}

/** A key, and its value before and after. */
export interface ChangeView {
  readonly path?: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** What came of a change. */
export interface OutcomeView {
  readonly version?: number;
  readonly changes?: readonly ChangeView[];
  readonly restart_required?: readonly string[];
}

/** A value on one line. */
export const valueText = (value: unknown): string =>
  value === undefined || value === null ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);
