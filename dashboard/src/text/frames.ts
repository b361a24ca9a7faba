import type { Frame } from './types.ts';

/** Frames that follow each other and belong together: the app's own, or those of libraries. */
export interface Run {
  readonly kind: 'app' | 'library';
  readonly frames: readonly Frame[];
  /** Names of the libraries, in the order in which they come. Empty for the app. */
  readonly libraries: readonly string[];
}

const STANDARD = "Python's library";
const RUNTIME = 'snakepit';

/** Where packages are installed: `site-packages`, Debian's `dist-packages`, or a wheel that is imported from where it lies. */
const installed = /\/(?:site|dist)-packages\/([^/]+)/;
const standard =
  /\/lib(?:64)?\/python\d[\w.]*\/(?!(?:site|dist)-packages\/)|\/Python(?:\.framework\/|\d+\/)?.*\/lib\/python\d/i;
const windowsStandard = /\/python(?:3\d*)?\/lib\/(?!site-packages\/)/i;
/** The worker's own code, and the calls it writes for each command. */
const runtime = /\/snakepit\/(?:_runtime\/|_worker\.py|<)/;

const nameOf = (part: string): string => part.replace(/\.(?:py|so|pyd|egg|whl)$|-\d.*$/g, '');

/** The library that a frame's file belongs to; undefined where it is the app's. */
export const libraryOf = (file: string): string | undefined => {
  const path = file.replaceAll('\\', '/');
  if (path.startsWith('<frozen ')) return STANDARD;
  if (runtime.test(path)) return RUNTIME;
  const found = installed.exec(path);
  if (found !== null) return nameOf(found[1] as string);
  return standard.test(path) || windowsStandard.test(path) ? STANDARD : undefined;
};

/** Frames in runs of the app's own and of libraries', so that what is not the app's can be folded. */
export const foldFrames = (frames: readonly Frame[]): readonly Run[] => {
  const runs: { kind: Run['kind']; frames: Frame[]; libraries: string[] }[] = [];
  for (const frame of frames) {
    const library = libraryOf(frame.file);
    const kind = library === undefined ? 'app' : 'library';
    let run = runs.at(-1);
    if (run?.kind !== kind) {
      run = { kind, frames: [], libraries: [] };
      runs.push(run);
    }
    run.frames.push(frame);
    if (library !== undefined && !run.libraries.includes(library)) run.libraries.push(library);
  }
  return runs;
};

const MAX_NAMED = 3;

const listed = (names: readonly string[]): string => {
  const shown =
    names.length > MAX_NAMED
      ? [...names.slice(0, MAX_NAMED - 1), `${names.length - MAX_NAMED + 1} more`]
      : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
};

/** What stands for a folded run: `12 frames in torch`. */
export const foldText = ({ frames, libraries }: Run): string =>
  `${frames.length} ${frames.length === 1 ? 'frame' : 'frames'} in ${listed(libraries)}`;

/** The last parts of a path, for where there is little room. The whole belongs beside it. */
export const shortPath = (file: string, parts = 2): string => {
  const path = file
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '');
  return path.length <= parts ? file : `…/${path.slice(-parts).join('/')}`;
};
