import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { SnakepitOptions } from '../../src/index.ts';

/** Where the instance of {@link startHost} is reached. */
interface Addresses {
  readonly opsUrl: string;
  readonly livenessUrl: string;
  readonly grpcHealthAddress?: string;
}

/** A program with an instance of its own, whose main thread blocks when told to. */
export const startHost = async (options: SnakepitOptions) => {
  const script = fileURLToPath(new URL('../integration/liveness-host.mjs', import.meta.url));
  const child = fork(script, [JSON.stringify(options)]);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    if (child.connected) child.disconnect();
    await exited;
  });
  const [addresses] = (await once(child, 'message')) as [Addresses];
  return { ...addresses, block: (until: string) => child.send({ until }) };
};
