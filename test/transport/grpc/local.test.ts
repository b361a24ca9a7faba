import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { errorOf, python, startPit } from '../../support/pit.ts';
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
  it('is one process', async () => {
    const test = await startPit({ pool: { app, transport: 'grpc' } });
    const [parent, worker] = (await test.pit.execute<number[]>('pids')) as [number, number];
    expect(parent).toBe(process.pid);
    expect(test.pids()).toEqual([worker]);
    const held = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await test.noted('holds');
    process.kill(worker, 'SIGKILL');
    const error = await held;
    expect(error.code).toBe('worker_crashed');
    expect(error.context.exit).toMatchObject({ signal: 'SIGKILL' });
    expect(await test.pit.execute<number[]>('pids')).not.toContain(worker);
  });

  it.each([true, false])('runs anew what had not begun when it died (in batches: %s)', async (exchange) => {
    const test = await startPit({ pool: { app, transport: 'grpc', exchange } });
    // Fast ones first, so that more than one are sent ahead.
    for (let i = 0; i < 6; i++) await test.pit.execute('pids');
    const [, worker] = (await test.pit.execute<number[]>('pids')) as [number, number];
    const held = errorOf(test.pit.execute('hold', { gate: 'never' }));
    await test.noted('holds');
    const behind = Array.from({ length: 6 }, () => test.pit.execute<number[]>('pids'));
    process.kill(worker, 'SIGKILL');
    expect((await held).code).toBe('worker_crashed');
    for (const [, pid] of await Promise.all(behind)) expect(pid).not.toBe(worker);
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
