import { setTimeout as sleep } from 'node:timers/promises';
import { holds, isAlive } from '../lib/processes.mjs';

export const memory = {
  name: 'memory used up',
  run: async (lab, { long }) => {
    // Of its address space: the machine does not notice.
    const pit = await lab.open({ env: { CHAOS_MEMORY: String(512 * 2 ** 20) } });
    await lab.servesAgain();
    for (let round = 0; round < (long ? 8 : 1); round++) {
      const load = lab.load({ lanes: 3 });
      lab.must(!(await lab.send('hog')), 'more memory was had than there is');
      lab.must(!(await lab.send('hog_in_c')), 'C code got more memory than there is');
      // Whoever keeps all of it makes everything after it fail, or dies; every one of those must be settled.
      await lab.send('hog', { keep: true });
      await Promise.all(Array.from({ length: 10 }, () => lab.send('echo')));
      await load.stop();
      await pit.recyclePool();
      await lab.servesAgain();
    }
  },
};

export const grandchildren = {
  name: 'fifty grandchildren',
  run: async (lab, { long }) => {
    await lab.open({ workers: 1 });
    let found = 0;
    for (let round = 0; round < (long ? 8 : 1); round++) {
      await lab.servesAgain();
      const workers = lab.processes;
      await lab.send('breed', { children: 50 });
      // A child that is between fork and exec cannot be told from its parent for a moment.
      await holds(() => lab.processes.length - workers.length >= 50);
      found += lab.processes.length - workers.length;
      const [worker] = lab.workers;
      lab.strike(worker);
      await holds(() => !isAlive(worker.pid));
      const successor = () => lab.workers.map(({ pid }) => pid).filter((pid) => pid !== worker.pid);
      await holds(() => successor().length > 0);
      await lab.gone(successor());
    }
    await lab.servesAgain();
    const before = lab.processes.length;
    await lab.send('breed', { children: 50 });
    const rounds = (long ? 8 : 1) + 1;
    await holds(() => lab.processes.length - before >= 50);
    found += lab.processes.length - before;
    lab.must(found === 50 * rounds, `${found} grandchildren ran, not ${50 * rounds}`);
    await lab.close();
    const goneAfterMs = await lab.gone();
    return { gone_after_close_ms: Math.round(goneAfterMs) };
  },
};

export const outputFlood = {
  name: 'flood of output',
  run: async (lab, { long }) => {
    const rate = { perSecond: 200, burst: 500 };
    const lines = long ? 300_000 : 30_000;
    const pit = await lab.open({ workers: 3, logRate: rate });
    await lab.servesAgain();
    const seen = { shown: 0, dropped: 0, records: 0 };
    pit.bus.registerConsumer('python.log', {
      name: 'chaos_flood',
      handle: ({ metadata }) => {
        seen.records++;
        if (metadata.message.startsWith('flood ')) seen.shown++;
        else
          seen.dropped += Number(
            /(\d+) (?:more lines?|records) w(?:as|ere) dropped/.exec(metadata.message)?.[1] ?? 0,
          );
      },
    });
    const began = performance.now();
    let flooding = true;
    const floods = Promise.all(['python', 'c'].map((source) => lab.send('flood', { lines, source }))).finally(
      () => {
        flooding = false;
      },
    );
    // The third worker answers; its answers go through the same event loop as the flood.
    const waits = [];
    while (flooding) {
      const asked = performance.now();
      await lab.send('echo');
      waits.push(performance.now() - asked);
      await sleep(2);
    }
    lab.must((await floods).every(Boolean), 'a flood was not answered');
    const told = await holds(() => seen.shown + seen.dropped >= 2 * lines, 10_000);
    const seconds = (performance.now() - began) / 1000;
    lab.must(
      told && seen.shown + seen.dropped === 2 * lines,
      `of ${2 * lines} lines ${seen.shown} were shown and ${seen.dropped} counted as dropped`,
    );
    // For each of the two ways out: the burst, what the rate gives, and a summary a second.
    const bound = 2 * (rate.burst + (rate.perSecond + 1) * (seconds + 1));
    lab.must(seen.records <= bound, `${seen.records} records in ${seconds.toFixed(1)} s`);
    await lab.servesAgain();
    return {
      lines: 2 * lines,
      shown: seen.shown,
      dropped: seen.dropped,
      slowest_answer_ms: Math.round(Math.max(0, ...waits)),
    };
  },
};
