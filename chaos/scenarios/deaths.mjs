import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 2 ** 20;
/** How much may be added between a tenth of the way and the end. The allocator keeps pages it may use again, so resident memory needs more room than the heap. */
const HEAP_ROOM = 6 * MIB;
const RESIDENT_ROOM = 24 * MIB;

/** What the host takes and shows, garbage apart. */
const measure = async (pit) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  // Twice, with a turn between: what the first sweep frees may hold more.
  for (let i = 0; i < 2; i++) {
    gc();
    await sleep(50);
  }
  const { heapUsed, rss } = process.memoryUsage();
  const { body } = await pit.metrics.render();
  // What Node shows of itself depends on which kinds of garbage collection and handles there have been.
  const lines = body.split('\n').filter((line) => /^[^#]/.test(line) && !line.startsWith('nodejs_'));
  return { heap: heapUsed, resident: rss, series: lines.map((line) => line.slice(0, line.lastIndexOf(' '))) };
};

const mib = (bytes) => Math.round((bytes / MIB) * 10) / 10;

export const manyDeaths = {
  name: 'one death after another',
  run: async (lab, { long, deaths = long ? 2000 : 30 }) => {
    // Every worker dies of its first request: the limits that stop that are what other scenarios are about.
    const pit = await lab.open({
      workers: 3,
      restartDelayMs: 1,
      maxRestartDelayMs: 1,
      crashLoopAfter: 1_000_000,
      poisonAfter: 0,
    });
    const dieUntil = async (total) => {
      const lane = async () => {
        while (lab.recovery.deaths < total) {
          await lab.send('echo');
          await lab.send('leave', { code: Math.floor(lab.random.between(1, 5)) });
        }
      };
      await Promise.all([lane(), lane(), lane()]);
    };
    await dieUntil(Math.max(6, deaths / 10));
    const before = await measure(pit);
    await dieUntil(deaths);
    const after = await measure(pit);
    await lab.servesAgain();
    // A worker here may be ended before it has answered anything, so these times say nothing.
    lab.recovery.times.length = 0;
    // A few hundred say nothing of memory: what the engine compiles on the way is more.
    if (deaths >= 1000) {
      lab.must(
        after.heap - before.heap <= HEAP_ROOM,
        `the heap grew from ${mib(before.heap)} to ${mib(after.heap)} MiB`,
      );
      lab.must(
        after.resident - before.resident <= RESIDENT_ROOM,
        `resident memory grew from ${mib(before.resident)} to ${mib(after.resident)} MiB`,
      );
    }
    const grown = after.series.filter((name) => !before.series.includes(name));
    lab.must(grown.length === 0, `/metrics grew: ${grown.join(', ')}`);
    return {
      heap_mib: [mib(before.heap), mib(after.heap)],
      resident_mib: [mib(before.resident), mib(after.resident)],
      metric_lines: [before.series.length, after.series.length],
    };
  },
};
