/** The main job, `npm start`: a real pool of Python workers on real texts, with metrics and health to look at. */
import { createSnakepit, isSnakepitError } from 'snakepit';
import { Ending } from './main/ending.mjs';
import { keepSmall, placeForLogs } from './main/logs.mjs';
import { portOrFree } from './main/ports.mjs';
import { ProgressLine } from './main/progress-line.mjs';
import { introduction, progress, summary } from './main/screen.mjs';
import { Tally } from './main/tally.mjs';
import { keepBusy } from './main/visitors.mjs';

const GATEWAY_PORT = 8000;
const OPS_PORT = 9464;

const optionsOf = async ({ port, opsPort }, logs) => ({
  // Resolves at once, so that a signal is heard while the workers start.
  waitFor: 'none',
  pools: {
    default: {
      app: new URL('library/demo.py', import.meta.url),
      workers: 4,
      // Short, so that what takes workers down is refused now and then and does so again.
      poisonForMs: 20_000,
      // Leaves nothing behind, no compiled files either.
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    },
  },
  logs: { level: 'info', format: 'pretty', dest: logs.file },
  // A port that was asked for is taken or refused; a default one may give way.
  ops: { port: opsPort ?? (await portOrFree(OPS_PORT, 'ops server')) },
  gateway: { port: port ?? (await portOrFree(GATEWAY_PORT, 'gateway')) },
});

const linksOf = async (opsUrl) => {
  const response = await fetch(`${opsUrl}/health`);
  return (await response.json()).links;
};

const play = async (pit, ending, { forMs, logs }) => {
  await Promise.race([pit.ready(), ending.reached]);
  if (ending.signal.aborted) return;
  const tally = new Tally(pit.bus);
  console.log(introduction(pit, { links: await linksOf(pit.opsUrl), logs }));
  const began = performance.now();
  if (forMs !== undefined) ending.after(forMs);
  const line = new ProgressLine(() => progress(tally, pit, performance.now() - began));
  try {
    await keepBusy(pit, ending.signal);
  } finally {
    // Where a bug ended it, the others must not go on.
    ending.now();
    line.end();
  }
  console.log(summary(tally, performance.now() - began));
};

const explain = (error) => {
  if (!isSnakepitError(error)) throw error;
  console.error([error.message, error.context.python_traceback].filter(Boolean).join('\n\n'));
  return error.category === 'configuration' ? 2 : 1;
};

/**
 * Runs until the time is up or a signal comes.
 *
 * @param {{ forMs?: number, port?: number, opsPort?: number, log?: string }} options
 * @returns {Promise<number>} the exit code: 0 done, 1 failed, 2 wrong configuration, such as no Python
 */
export const main = async ({ forMs, log, ...ports }) => {
  const ending = new Ending();
  const logs = placeForLogs(log);
  try {
    const pit = await createSnakepit(await optionsOf(ports, logs));
    keepSmall(logs.file);
    try {
      await play(pit, ending, { forMs, logs });
    } finally {
      await pit.close();
    }
    return 0;
  } catch (error) {
    return explain(error);
  } finally {
    ending.dispose();
  }
};
