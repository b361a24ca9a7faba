import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { threadVariables, usesSlot, workerEnv } from '../../src/process/python-env.ts';
import { pythonRuntimePath } from '../../src/process/python-runtime-path.ts';
import { realPython } from './python-fixtures.ts';

const base = { host: {}, inheritEnv: true, extra: {}, cpus: 8, workers: 3, slot: 1 };

describe('pythonRuntimePath', () => {
  it('is the folder of the Python package', () => {
    expect(isAbsolute(pythonRuntimePath())).toBe(true);
    expect(existsSync(join(pythonRuntimePath(), 'snakepit', '__init__.py'))).toBe(true);
  });
});

describe('workerEnv', () => {
  it('puts the runtime before what PYTHONPATH has', () => {
    expect(workerEnv(base).PYTHONPATH).toBe(pythonRuntimePath());
    const mine = workerEnv({ ...base, host: { PYTHONPATH: '/mine' } });
    expect(mine.PYTHONPATH).toBe(`${pythonRuntimePath()}${delimiter}/mine`);
    const pools = workerEnv({ ...base, host: { PYTHONPATH: '/mine' }, extra: { PYTHONPATH: '/pool' } });
    expect(pools.PYTHONPATH).toBe(`${pythonRuntimePath()}${delimiter}/pool`);
  });

  it('lets a real interpreter import the runtime', () => {
    const env = workerEnv({ ...base, host: process.env });
    const said = execFileSync(
      realPython,
      ['-c', 'import snakepit, sys; print(snakepit.__name__, sys.stdout.encoding)'],
      { env, encoding: 'utf8' },
    );
    expect(said.trim()).toBe('snakepit utf-8');
  });

  it('shares the CPUs among the workers, at least one each, unless somebody has set it', () => {
    for (const name of threadVariables) expect(workerEnv(base)[name]).toBe('2');
    expect(workerEnv({ ...base, workers: 20 }).OMP_NUM_THREADS).toBe('1');
    const set = workerEnv({ ...base, host: { OMP_NUM_THREADS: '7' }, extra: { MKL_NUM_THREADS: '5' } });
    expect(set).toMatchObject({ OMP_NUM_THREADS: '7', MKL_NUM_THREADS: '5', OPENBLAS_NUM_THREADS: '2' });
  });

  it('keeps tokens and descriptors of the host to the host', () => {
    const secrets = {
      SNAKEPIT_OPS_TOKEN: 'a',
      SNAKEPIT_OPS_TOKEN_FILE: '/run/a',
      SNAKEPIT_GATEWAY_TOKEN: 'b',
      SNAKEPIT_GATEWAY_TOKEN_FILE: '/run/b',
      SNAKEPIT_TOKEN: 'c',
      NODE_CHANNEL_FD: '3',
    };
    // `env: process.env` in a pool is common, and must not carry them in by the back door.
    const env = workerEnv({ ...base, host: { ...secrets, HF_TOKEN: 'mine' }, extra: secrets });
    expect(Object.keys(env).filter((name) => name in secrets)).toEqual([]);
    expect(env.HF_TOKEN).toBe('mine');
  });

  it("is the host's environment, the pool's variables over it", () => {
    const env = workerEnv({
      ...base,
      host: { A: 'host', B: 'host', C: undefined },
      extra: { B: 'pool', PYTHONUNBUFFERED: '0' },
    });
    expect(env).toMatchObject({
      A: 'host',
      B: 'pool',
      PYTHONUNBUFFERED: '0',
      PYTHONIOENCODING: 'utf-8',
      SNAKEPIT_WORKER_SLOT: '1',
    });
    expect(env).not.toHaveProperty('C');
  });

  it('is only what programs cannot do without when nothing is inherited', () => {
    const env = workerEnv({
      ...base,
      inheritEnv: false,
      host: { PATH: '/bin', HOME: '/me', DATABASE_URL: 'x' },
      extra: { Q: '1' },
    });
    expect(env).toMatchObject({ PATH: '/bin', HOME: '/me', Q: '1' });
    expect(env).not.toHaveProperty('DATABASE_URL');
  });

  it('puts the slot where a variable of the pool asks for it, and nowhere else', () => {
    const extra = { CUDA_VISIBLE_DEVICES: '{slot}', TWICE: 'a{slot}-{slot}', KEPT: '{SLOT} {slots}' };
    const env = workerEnv({ ...base, host: { OURS: '{slot}' }, extra, slot: 3 });
    expect(env).toMatchObject({
      CUDA_VISIBLE_DEVICES: '3',
      TWICE: 'a3-3',
      KEPT: '{SLOT} {slots}',
      OURS: '{slot}',
    });
  });

  it('does not hand on a descriptor the host had when it was a worker', () => {
    expect(workerEnv({ ...base, host: { SNAKEPIT_STACK_FD: '3' } })).not.toHaveProperty('SNAKEPIT_STACK_FD');
  });
});

describe('usesSlot', () => {
  it('sees whether any variable does', () => {
    expect(usesSlot({ A: '1', B: 'cuda:{slot}' })).toBe(true);
    expect(usesSlot({ A: '{SLOT}', B: undefined })).toBe(false);
    expect(usesSlot({})).toBe(false);
  });
});
