import { setTimeout as sleep } from 'node:timers/promises';
import { holds } from '../lib/processes.mjs';

/** The app ends its process in the middle of something, while others work. */
const inCall = async (lab, rounds, call) => {
  await lab.open();
  await lab.servesAgain();
  const load = lab.load({ lanes: 3 });
  for (let round = 0; round < rounds; round++) {
    lab.must(!(await call()), 'a request succeeded whose process had ended');
    await sleep(lab.random.between(0, 50));
    // A slot whose workers never answer anything would end in quarantine, and rightly.
    await lab.servesAgain();
  }
  await load.stop();
};

export const exitInHandler = {
  name: 'os._exit in a handler',
  run: (lab, { long }) => inCall(lab, long ? 30 : 2, () => lab.send('leave')),
};

export const exitInGenerator = {
  name: 'os._exit in a generator',
  run: (lab, { long }) =>
    inCall(lab, long ? 30 : 2, () =>
      lab.read('leave_in_stream', { after: Math.floor(lab.random.between(0, 4)) }),
    ),
};

export const segfault = {
  name: 'segmentation fault',
  run: (lab, { long }) => inCall(lab, long ? 30 : 2, () => lab.send('segfault')),
};

export const exitInImport = {
  name: 'os._exit in the import',
  run: async (lab, { long }) => {
    const pit = await lab.open({ restartDelayMs: 20 });
    let failed = 0;
    pit.bus.registerConsumer('snakepit.worker.start_failed', { name: 'starts', handle: () => failed++ });
    for (let round = 0; round < (long ? 10 : 1); round++) {
      await lab.servesAgain();
      const load = lab.load({ lanes: 3 });
      lab.raise('die_in_import');
      const before = failed;
      for (const worker of lab.serving) lab.strike(worker);
      lab.must(await holds(() => failed >= before + 3), 'no start failed');
      lab.lower('die_in_import');
      await lab.servesAgain();
      await load.stop();
    }
  },
};

export const exitInOnStop = {
  name: 'os._exit in on_stop',
  run: async (lab, { long }) => {
    const pit = await lab.open();
    await lab.servesAgain();
    const load = lab.load({ lanes: 3 });
    lab.raise('die_in_on_stop');
    for (let round = 0; round < (long ? 6 : 1); round++) {
      const outcomes = await pit.recyclePool();
      lab.must(
        outcomes.every(({ outcome }) => outcome === 'replaced'),
        'a worker that left early was not replaced',
      );
      await lab.servesAgain();
    }
    await load.stop();
    // And once more at close, which comes with the flag still up.
  },
};
