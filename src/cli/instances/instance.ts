/** A running `snakepit serve`, as it announces itself to the commands of the same user. */
export interface Instance {
  readonly pid: number;
  /** Tells the process from a later one with the same id; see `startTimeOf`. */
  readonly start_time: string;
  /** Where the ops endpoints are, prefix included, without a final slash. */
  readonly ops_url: string;
  /** Where the gateway is; null when it is not served. */
  readonly url: string | null;
  /** The token that `serve` made; null where one is configured, which is not copied to a second place. */
  readonly token: string | null;
  /** The apps of the pools. */
  readonly app: string;
  readonly version: string;
  /** RFC 3339, UTC. */
  readonly started_at: string;
  readonly cwd: string;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

/** Reads what a file says; undefined where it is not one of ours. */
export const parseInstance = (text: string): Instance | undefined => {
  let value: Partial<Record<keyof Instance, unknown>>;
  try {
    value = Object(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { pid, ops_url, url, token, ...texts } = value;
  const { start_time, app, version, started_at, cwd } = texts;
  const sound =
    Number.isSafeInteger(pid) &&
    isText(ops_url) &&
    URL.canParse(ops_url) &&
    isTextOrNull(url) &&
    isTextOrNull(token) &&
    [start_time, app, version, started_at, cwd].every(isText);
  return sound ? (value as Instance) : undefined;
};
