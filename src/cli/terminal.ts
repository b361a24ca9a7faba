import type { WriteStream } from 'node:tty';

/** What a command talks to. Injected, so that tests can stand in for it. */
export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether standard output takes colours. */
  readonly colours: boolean;
  /** Width of the terminal that standard output is; undefined where it is none. */
  readonly columns?: number | undefined;
  /** Its height. */
  readonly rows?: number | undefined;
  /** Aborted when nobody reads standard output any more. */
  readonly unread?: AbortSignal | undefined;
}

/** The real one. */
export const processTerminal = (): Terminal => {
  const { stdout, stderr } = process;
  const unread = new AbortController();
  stdout.once('error', () => unread.abort());
  return {
    cwd: process.cwd(),
    env: process.env,
    platform: process.platform,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    // hasColors minds NO_COLOR and TERM.
    colours: stdout.isTTY === true && (stdout as WriteStream).hasColors(),
    get columns() {
      return stdout.isTTY ? stdout.columns : undefined;
    },
    get rows() {
      return stdout.isTTY ? stdout.rows : undefined;
    },
    unread: unread.signal,
  };
};

/** What tables are made for where the terminal is not wider. */
const COLUMNS = 80;

/** How wide a table may be. */
export const widthOf = ({ columns }: Pick<Terminal, 'columns'>): number => Math.max(COLUMNS, columns ?? 0);

/** Ends the process once what was written has left it: pipes are written in the background on some systems. */
export const exitAfterFlush = async (code: number): Promise<never> => {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
    ),
  );
  process.exit(code);
};
