import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** What a command wrote, and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. `home` is where it looks for running instances; nothing else of this machine is seen. */
export const inProcess =
  (home: string, more: Partial<Terminal> = {}) =>
  async (argv: readonly string[], env: Terminal['env'] = {}): Promise<Said> => {
    const written = { out: '', err: '' };
    const code = await main(['node', 'snakepit', ...argv], {
      cwd: home,
      platform: 'linux',
      colours: false,
      out: (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
      ...more,
      env: { ...runtimeEnv(home), ...env },
    });
    return { code, ...written };
  };

/** An environment whose runtime folders lie in `home`. */
export const runtimeEnv = (home: string): Record<string, string> => ({
  XDG_RUNTIME_DIR: join(home, 'run'),
  TMPDIR: join(home, 'tmp'),
});
