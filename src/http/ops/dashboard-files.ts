import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { Refusal } from '../problem.ts';

/** A file of the page, in every form it is sent in. */
export interface DashboardFile {
  readonly type: string;
  readonly hash: string;
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly br: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
}

/** What the build has made of `dashboard/`. */
export interface DashboardBuild {
  readonly html: DashboardFile;
  /** By name; names hold a hash of what is in the file. */
  readonly assets: ReadonlyMap<string, DashboardFile>;
}

/** The page in one script and one style sheet, for the file of an incident. */
export interface RecordedPage {
  readonly script: string;
  readonly style: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** From the sources the page is the one in `dist`. */
const folderOf = (here: string): URL =>
  new URL(here.endsWith('.ts') ? '../../../dist/dashboard/' : '../../dashboard/', here);

const read = (folder: URL, name: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(new URL(name, folder)));

const fileOf = (folder: URL, name: string, type: string): DashboardFile => {
  const identity = read(folder, name);
  return {
    type,
    hash: createHash('sha256').update(identity).digest('base64url').slice(0, 22),
    identity,
    br: read(folder, `${name}.br`),
    gzip: read(folder, `${name}.gz`),
  };
};

const assetsIn = (folder: URL): ReadonlyMap<string, DashboardFile> => {
  const assets = new Map<string, DashboardFile>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type !== undefined) assets.set(name, fileOf(folder, name, type));
  }
  return assets;
};

const notBuilt = (folder: URL, { message }: Error): Refusal =>
  new Refusal(
    'page_not_built',
    `The live page is not in ${fileURLToPath(folder)} (${message}). Build it: npm run build. Until then, /health/detailed has the same facts.`,
    { members: { category: 'system' } },
  );

/**
 * The built page. It is read when it is first asked for, and kept: nothing that a request says is ever taken for the name of a file.
 * Where it is missing it is looked for anew each time, so that a build is enough.
 */
export class DashboardFiles {
  readonly #folder: URL;
  #files: DashboardBuild | undefined;
  #recorded: RecordedPage | undefined;

  constructor(folder: URL = folderOf(import.meta.url)) {
    this.#folder = folder;
  }

  /** @throws Refusal `page_not_built` */
  files(): DashboardBuild {
    this.#files ??= this.#tried(() => ({
      html: fileOf(this.#folder, 'index.html', TYPES.html as string),
      assets: assetsIn(new URL('assets/', this.#folder)),
    }));
    return this.#files;
  }

  /** @throws Refusal `page_not_built` */
  recorded(): RecordedPage {
    const text = (name: string) => brotliDecompressSync(read(this.#folder, name)).toString();
    this.#recorded ??= this.#tried(() => ({
      script: text('recorded.js.br'),
      style: text('recorded.css.br'),
    }));
    return this.#recorded;
  }

  #tried<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw notBuilt(this.#folder, error as Error);
    }
  }
}
