import { sourceLine } from './source-lines.ts';

/** The stack of one Python thread. */
export interface StackSection {
  /** Its ident as Python's `faulthandler` prints it: `0x00007f1c2d7fe700`. */
  readonly thread: string;
  /** Whether the signal found this thread running, as a rule the one that held the GIL. */
  readonly current: boolean;
  /** Its name, which Python tells from 3.14 on; else null. */
  readonly name: string | null;
  /** Calls as `faulthandler` writes them (`File "/srv/app.py", line 3 in predict`), the oldest first. */
  readonly lines: readonly string[];
}

const header = /^(Current thread|Thread) (0x[0-9a-f]+)(?: \[(.*)\])? \(most recent call first\):$/;
const frame = /^File "(.*)", line (\d+|\?\?\?) in (.*)$/;

/** Takes the output of Python's `faulthandler` (3.9 to 3.14) apart. What it does not know is left out. */
export const parseStacks = (text: string): StackSection[] => {
  const sections: (StackSection & { lines: string[] })[] = [];
  let open: string[] | undefined;
  for (const line of text.split('\n')) {
    const [, kind, thread, name = null] = header.exec(line) ?? [];
    if (thread !== undefined) {
      open = [];
      sections.push({ thread, current: kind === 'Current thread', name, lines: open });
    } else if (line.startsWith('  ')) open?.unshift(line.trim());
    // Whatever else begins a line is no part of a Python thread's stack, nor is what is indented below it.
    else open = undefined;
  }
  return sections;
};

/** Writes a stack as Python's own tracebacks look: the most recent call last, with the lines of source that can be read here. */
export const renderStack = (section: StackSection): string => {
  const name = section.name === null ? '' : ` [${section.name}]`;
  const title = `${section.current ? 'Current thread' : 'Thread'} ${section.thread}${name} (most recent call last):`;
  return [title, ...section.lines.map(renderLine)].join('\n');
};

const renderLine = (line: string): string => {
  const [, path, number, name] = frame.exec(line) ?? [];
  if (path === undefined) return `  ${line}`;
  const source = sourceLine(path, Number(number))?.trim();
  const call = `  File "${path}", line ${number}, in ${name}`;
  return source ? `${call}\n    ${source}` : call;
};
