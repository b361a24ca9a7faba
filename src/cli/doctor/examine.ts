import { availableCpus, type ResolvedOptions } from '../../config/index.ts';
import { isSnakepitError } from '../../errors/index.ts';
import { UsageError } from '../exit.ts';
import { commandOptions, explicitPython, type Flags, NoAppError } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { checkSharedMemory, checkSocketDirectory, checkTemporary } from './files.ts';
import { type Finding, fail, ok } from './finding.ts';
import { checkCpus, checkNode, checkOpenFiles, checkPlatform } from './machine.ts';
import { checkPort } from './ports.ts';
import { checkPython } from './python.ts';

/** Runs every check, in the order in which faults build on each other. */
export async function* examine(flags: Flags, terminal: Terminal): AsyncGenerator<Finding> {
  yield checkNode();
  yield checkPlatform(terminal.platform);
  const configuration = await configurationOf(flags, terminal);
  yield configuration.finding;
  const { resolved } = configuration;
  const pools = Object.entries(resolved?.pools ?? {});
  const workers = pools.reduce((sum, [, pool]) => sum + pool.workers, 0) || Math.min(4, availableCpus());
  yield checkCpus(workers);
  yield checkOpenFiles(workers);
  yield await checkTemporary();
  yield await checkSocketDirectory(resolved?.runtimeDir);
  yield await checkSharedMemory();
  const shared = { python: explicitPython(flags, terminal.cwd), several: pools.length > 1, terminal };
  // Remote workers have a Python of their own, if any.
  for (const [name, pool] of pools)
    if (pool.remote === undefined) yield* checkPython({ ...shared, name, pool });
  if (pools.length === 0) yield* checkPython({ ...shared, name: 'default', pool: undefined });
  yield await checkPort('gateway', resolved?.gateway.host ?? '127.0.0.1', resolved?.gateway.port ?? 8000);
  yield await checkPort('ops', resolved?.ops.host ?? '127.0.0.1', resolved?.ops.port ?? 9464);
}

interface Configuration {
  readonly finding: Finding;
  readonly resolved: ResolvedOptions | undefined;
}

const configurationOf = async (flags: Flags, terminal: Terminal): Promise<Configuration> => {
  const check = 'configuration';
  try {
    const { resolved, file } = await commandOptions(flags, terminal);
    const pools = Object.keys(resolved.pools).join(', ');
    return { finding: ok(check, `${file ?? 'no file, defaults'}; pools: ${pools}`), resolved };
  } catch (error) {
    if (error instanceof NoAppError) {
      return {
        finding: ok(check, 'no file and no app: the machine alone is looked at'),
        resolved: undefined,
      };
    }
    if (!isSnakepitError(error) && !(error instanceof UsageError)) throw error;
    return { finding: fail(check, error.message, 'Mend what it names.'), resolved: undefined };
  }
};
