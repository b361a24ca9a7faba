import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/index.ts';
import { isAlive, newFolder, optionsFor, python, until } from '../../support/pit.ts';
import { requirePythonModule } from '../../support/tools.ts';
import { standForeign } from './support.ts';

const entry = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
const can = requirePythonModule('grpc') && requirePythonModule('grpc_health');

beforeAll(() => {
  // These tests are about whole programs, which use the package as it is published.
  if (!existsSync(entry)) throw new Error('dist/index.js is missing. Build it first: npm run build');
});

const app = () => python`
  note(f"parent {os.getppid()}")
  note(f"child {os.getpid()}")

  @command
  def echo(value):
      return value
`;

/** A program that makes one call and does nothing more; `stay` keeps it. */
const program = (pool: PoolOptions, stay = false) => {
  const folder = newFolder();
  const path = join(folder, 'program.mjs');
  writeFileSync(
    path,
    `import { createSnakepit } from ${JSON.stringify(entry)};
const pit = await createSnakepit(${JSON.stringify(optionsFor({ pool }, folder))});
console.log(await pit.execute('echo', { value: 'called' }));
${stay ? 'setInterval(() => {}, 1000);' : ''}`,
  );
  return { folder, child: spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] }) };
};

describe('a program with workers over gRPC', () => {
  it('ends when it has nothing more to do, though remote workers are connected', async () => {
    const { address } = await standForeign();
    const { child } = program({ remote: { addresses: [address] } } as PoolOptions);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.skipIf(!can)('ends when it has nothing more to do, though its own workers are connected', async () => {
    const { child } = program({ app: app(), transport: 'grpc' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.skipIf(!can)('leaves no process behind when it is killed', async () => {
    const { child, folder } = program({ app: app(), transport: 'grpc' }, true);
    await once(child.stdout, 'data');
    const pids = [...readFileSync(join(folder, 'notes'), 'utf8').matchAll(/\d+/g)].map(Number);
    expect(pids).toHaveLength(2);
    expect(pids.every(isAlive)).toBe(true);
    child.kill('SIGKILL');
    await until(() => !pids.some(isAlive), 'both are gone');
  });
});
