import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { newFolder, optionsFor, python } from '../support/pit.ts';

const build = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;

/** A program that has nothing else to wait for; without a hold, Node would end it in the middle (exit code 13). */
it('what an operator asks for keeps Node running until it is done', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'run'), { recursive: true });
  const app = python`
    @command
    def hello():
        return "hello"
  `;
  const options = optionsFor({ pool: { app } }, folder);
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { createSnakepit } from ${JSON.stringify(build)};
    const pit = await createSnakepit(${JSON.stringify(options)});
    const [worker] = pit.snapshot().pools.default.workers;
    console.log((await pit.stackOf(worker.id)).worker_id === worker.id);
    console.log((await pit.recyclePool()).length);
    const [successor] = pit.snapshot().pools.default.workers;
    console.log((await pit.recycleWorker(successor.id)).outcome);`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 50_000 });
  expect(stdout.split('\n')).toEqual(['true', '1', 'replaced', '']);
});
