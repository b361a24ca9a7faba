import { relative } from 'node:path';
import { isPassedBy } from './watched.ts';

/** What a watcher is made with. */
export interface WatcherSettings {
  readonly folders: readonly string[];
  /** A Python file was changed, made or removed. The path is relative to its folder. */
  readonly changed: (path: string) => void;
  /** Something cannot be watched. */
  readonly failed: (error: Error) => void;
}

/**
 * Watches the Python files below some folders. chokidar does it, since `fs.watch` with `recursive` misses files on Linux that come
 * while it is still looking around (nodejs/node#48437).
 *
 * @returns once everything is watched, how to stop
 */
export const watchPython = async ({ folders, changed, failed }: WatcherSettings): Promise<() => void> => {
  // Only `dev` needs it.
  const { watch } = await import('chokidar');
  const folderOf = (path: string) => folders.find((folder) => !relative(folder, path).startsWith('..')) ?? '';
  const watcher = watch([...folders], {
    ignoreInitial: true,
    // Data is often linked into a project's folder, and may be huge.
    followSymlinks: false,
    ignored: (path, stats) => isPassedBy(folderOf(path), path, stats),
  });
  watcher.on('error', (error) => failed(error as Error));
  watcher.on('all', (_event, path) => {
    if (path.endsWith('.py')) changed(relative(folderOf(path), path));
  });
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  return () => void watcher.close();
};
