import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { errorOf, isAlive, python, startPit, until } from '../../support/pit.ts';
import { requirePythonModule, testPython } from '../../support/tools.ts';

const can = requirePythonModule('grpc') && requirePythonModule('grpc_health');

const app = python`
  @command
  def pids():
      return [os.getppid(), os.getpid()]

  @command
  def hold(gate: str):
      note("holds")
      wait_for(gate)
`;

describe.skipIf(!can)('a gRPC worker that the pool has started', () => {
  it('is replaced as a whole when the process that serves gRPC is killed', async () => {
    const test = await startPit({ pool: { app, transport: 'grpc' } });
    const [parent, child] = (await test.pit.execute<number[]>('pids')) as [number, number];
    expect(test.pids()).toEqual([parent]);
    const held = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await test.noted('holds');
    process.kill(parent, 'SIGKILL');
    const error = await held;
    expect(error.code).toBe('worker_crashed');
    expect(error.context.exit).toMatchObject({ signal: 'SIGKILL' });
    await until(() => !isAlive(child), 'the process that ran the handler is gone');
    const after = await test.pit.execute<number[]>('pids');
    expect(after).not.toContain(parent);
    expect(after).not.toContain(child);
  });

  it('says what its Python lacks', async () => {
    // Without the packages of the environment there is no grpcio.
    const bare = spawnSync(testPython(), ['-c', 'import sys; print(sys._base_executable)'], {
      encoding: 'utf8',
    });
    const interpreter = bare.stdout.trim();
    if (spawnSync(interpreter, ['-c', 'import grpc']).status === 0) return;
    const error = await errorOf(startPit({ pool: { app, transport: 'grpc', python: interpreter } }));
    expect(error.code).toBe('worker_start_failed');
    expect(error.message).toContain('grpcio');
    expect(error.message).toContain('snakepit-runtime[grpc]');
  });
});
