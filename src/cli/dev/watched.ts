import { existsSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { locateApp, type ResolvedOptions } from '../../config/index.ts';

/** The folders whose Python files make up the apps: that of a file, or the one a module is imported from. None lies within another. */
export const appFolders = ({ pools }: Pick<ResolvedOptions, 'pools'>, cwd: string): readonly string[] => {
  const folders = Object.values(pools).flatMap(({ app, cwd: own }) => {
    if (app === undefined) return [];
    const location = locateApp(app, cwd);
    return location.kind === 'file' ? dirname(location.path) : resolve(cwd, own ?? '.');
  });
  // Links resolved: events then tell paths below the folder, whichever way it was named.
  const real = [...new Set(folders.map((folder) => realpathSync(folder)))];
  return real.filter((folder) => !real.some((other) => other !== folder && isBelow(folder, other)));
};

const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** Folders of other people's code, or of what is made from one's own. Hidden ones come on top. */
const PASSED_BY = new Set(['venv', 'node_modules', '__pycache__', 'site-packages']);

/** Whether a path is none of the app's own Python: watching a whole environment would take thousands of watches. */
export const isPassedBy = (folder: string, path: string, stats?: Stats): boolean => {
  const below = relative(folder, path);
  if (below === '') return false;
  if (below.split(sep).some((name) => name.startsWith('.') || PASSED_BY.has(name))) return true;
  if (stats === undefined) return false;
  // An environment by any other name.
  return stats.isDirectory() ? existsSync(join(path, 'pyvenv.cfg')) : !path.endsWith('.py');
};
