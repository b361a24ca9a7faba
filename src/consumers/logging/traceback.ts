/** `  File "/usr/lib/python3.12/json/decoder.py", line 3, in decode`, also of exception groups, which are drawn with bars. */
const FRAME = /^([\s|+-]*)File "([^"]+)", line \d+/;
const PACKAGE = /[\\/](?:site|dist)-packages[\\/]([^\\/]+)/;
const STANDARD = /[\\/]lib(?:64)?[\\/]python\d[^\\/]*[\\/]|^<frozen |[\\/]Lib[\\/]/;

/** The library a frame is in: a package, or Python itself; undefined for the application's own. */
const libraryOf = (path: string): string | undefined => {
  const found = PACKAGE.exec(path)?.[1]?.replace(/\.py$/, '');
  return found ?? (STANDARD.test(path) ? 'Python' : undefined);
};

interface Frame {
  readonly lines: string[];
  readonly indent: string;
  readonly library: string | undefined;
}

const fold = (frames: readonly Frame[]): string[] => {
  const folded: string[] = [];
  let run: Frame[] = [];
  const end = (): void => {
    const [first] = run;
    if (first === undefined) return;
    const names = [...new Set(run.map(({ library }) => library))].join(', ');
    // One alone takes no more room than the words that would stand for it.
    if (run.length === 1) folded.push(...first.lines);
    else folded.push(`${first.indent}… ${run.length} frames in ${names}`);
    run = [];
  };
  for (const [index, frame] of frames.entries()) {
    // Where it was raised says most, whoever's it is.
    if (frame.library !== undefined && index < frames.length - 1) run.push(frame);
    else {
      end();
      folded.push(...frame.lines);
    }
  }
  end();
  return folded;
};

/** A Python traceback with the frames in libraries folded, so that those of the application stand out. The last frame is always shown. */
export const foldTraceback = (text: string): string => {
  const shown: string[] = [];
  let frames: Frame[] = [];
  for (const line of text.split('\n')) {
    const [, indent, path] = FRAME.exec(line) ?? [];
    const last = frames.at(-1);
    if (indent !== undefined && path !== undefined)
      frames.push({ lines: [line], indent, library: libraryOf(path) });
    else if (last !== undefined && line.length > last.indent.length && line.startsWith(`${last.indent} `))
      last.lines.push(line);
    else {
      shown.push(...fold(frames), line);
      frames = [];
    }
  }
  return [...shown, ...fold(frames)].join('\n');
};
