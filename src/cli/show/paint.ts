import { styleText } from 'node:util';
import type { Terminal } from '../terminal.ts';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';
/** Colours a text where the terminal takes colours. */
export type Paint = (style: Style | undefined, text: string) => string;

/** Colours for a terminal, or none: `colours` minds NO_COLOR already. */
export const painter =
  ({ colours }: Pick<Terminal, 'colours'>): Paint =>
  (style, text) =>
    colours && style !== undefined ? styleText(style, text, { validateStream: false }) : text;

/** The colour of a status of health or the state of a worker; none for what is neither good nor bad. */
export const styleOf = (word: string): Style | undefined => STYLES[word];

const STYLES: Readonly<Record<string, Style>> = {
  ok: 'green',
  running: 'green',
  warning: 'yellow',
  starting: 'yellow',
  draining: 'yellow',
  backoff: 'yellow',
  error: 'red',
  quarantined: 'red',
  closed: 'red',
};
