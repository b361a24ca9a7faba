import type { Terminal } from '../terminal.ts';

/** Another screen, without a cursor; what is too long is cut at the edge, where it would spoil the lines below. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
/** The terminal shows what lies between at once, if it knows how. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';
/** To the upper left; then what follows overwrites what was there. */
const HOME = '\u001b[H';
/** What is left of the line, and below the last one. */
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

const LEAVING_KEYS = new Set(['q', 'Q', '\u0003']);
const FATAL = ['SIGTERM', 'SIGHUP'] as const;

/** Whether it is a terminal on which one can write over what was there. */
export const canDisplay = ({ columns, rows, env }: Pick<Terminal, 'columns' | 'rows' | 'env'>): boolean =>
  columns !== undefined && rows !== undefined && env.TERM !== 'dumb';

/** A screen of its own on the terminal, which gets back its old one however the process ends. */
export class Display implements Disposable {
  readonly #terminal: Terminal;
  readonly #left = new AbortController();
  /** Draws what is to be seen, anew when the size has changed. */
  #render: (() => string) | undefined;
  #open = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.out(ENTER);
    process.once('exit', this.#restore);
    process.once('SIGINT', this.#leave);
    for (const signal of FATAL) process.once(signal, this.#end);
    process.stdout.on('resize', this.#draw);
    if (process.stdin.isTTY) process.stdin.setRawMode(true).on('data', this.#key).resume();
    terminal.unread?.addEventListener('abort', this.#leave, { once: true });
  }

  /** Aborted by q and Ctrl-C. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Shows what `render` gives, until the next. */
  show(render: () => string): void {
    this.#render = render;
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGINT', this.#leave);
    for (const signal of FATAL) process.off(signal, this.#end);
    process.stdout.off('resize', this.#draw);
    process.stdin.off('data', this.#key).pause();
  }

  readonly #leave = (): void => this.#left.abort();

  readonly #key = (bytes: Buffer): void => {
    if ([...bytes.toString('latin1')].some((key) => LEAVING_KEYS.has(key))) this.#leave();
  };

  readonly #restore = (): void => {
    if (!this.#open) return;
    this.#open = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    this.#terminal.out(LEAVE);
  };

  /** Puts the terminal in order, then ends as the signal would have it. */
  readonly #end = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };

  /** Line by line over what stands there: clearing the screen each time would flicker. */
  readonly #draw = (): void => {
    if (!this.#open || this.#render === undefined) return;
    const rows = this.#terminal.rows ?? 0;
    const lines = this.#render().trimEnd().split('\n');
    const shown =
      lines.length <= rows ? lines : [...lines.slice(0, rows - 1), '… (a higher window shows more)'];
    this.#terminal.out(
      `${BEGIN}${HOME}${shown.map((line) => line + CLEAR_LINE).join('\r\n')}${CLEAR_BELOW}${END}`,
    );
  };
}
