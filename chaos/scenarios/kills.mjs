import { setTimeout as sleep } from 'node:timers/promises';
import { holds } from '../lib/processes.mjs';

export const killedUnderLoad = {
  name: 'kill -9 under load',
  run: async (lab, { long }) => {
    await lab.open({ workers: 3 });
    await lab.servesAgain();
    const load = lab.load();
    for (let blow = 0; blow < (long ? 80 : 6); blow++) {
      await sleep(lab.random.between(20, 250));
      await lab.strikeAny('SIGKILL');
    }
    await lab.servesAgain();
    await load.stop();
  },
};

export const stopped = {
  name: 'SIGSTOP',
  run: async (lab, { long }) => {
    // Short, so that the suite need not wait; still far more than a busy machine keeps a worker silent.
    await lab.open({ heartbeatIntervalMs: 200, stuckAfterMs: 1200 });
    await lab.servesAgain();
    const load = lab.load({ lanes: 4 });
    for (let blow = 0; blow < (long ? 15 : 1); blow++) {
      const { id } = await lab.strikeAny('SIGSTOP');
      lab.must(
        await holds(() => lab.workers.every((worker) => worker.id !== id)),
        'a stopped worker was not replaced',
      );
      await lab.servesAgain();
    }
    await load.stop();
  },
};

export const holdingTheGil = {
  name: 'hang with the GIL held',
  run: async (lab, { long }) => {
    await lab.open({ cancelGraceMs: 200 });
    await lab.servesAgain();
    const load = lab.load({ lanes: 4 });
    const wanted = long ? 30 : 2;
    const began = () => lab.tally.codes.timeout ?? 0;
    // On a busy machine some of them wait longer for a worker than they may, and hang nobody.
    for (let round = 0; began() < wanted && round < 2 * wanted; round++) {
      const hangs = [1, 2].map(() => lab.send('deadlock_with_gil', {}, { timeoutMs: 300 }));
      // Some of these are with a worker already, behind what hangs.
      const others = Array.from({ length: 6 }, () => lab.send('once'));
      lab.must(!(await Promise.all(hangs)).some(Boolean), 'a deadlock was answered');
      lab.must((await Promise.all(others)).every(Boolean), 'what waited behind a deadlock was not answered');
      await lab.servesAgain();
    }
    await load.stop();
    lab.must(began() > 0, 'no worker was made to hang');
  },
};
