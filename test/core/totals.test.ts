import { expect, it } from 'vitest';
import { fakePool, manualClock, settled } from './fakes.ts';

it('the counters never fall, also while a worker dies with something running', async () => {
  const clock = manualClock();
  const { pool, bus, processes, submit } = fakePool({ workers: 2 });
  pool.start();
  await settled();
  for (const process of processes) process.ready();
  const total = () => {
    const { slots, goneTotals } = {
      slots: pool.supervisor.slots,
      goneTotals: pool.supervisor.goneTotals(clock.now()),
    };
    const all = [...slots.map((slot) => slot.totals(clock.now())), ...(goneTotals ? [goneTotals] : [])];
    return {
      requests: all.reduce((sum, of) => sum + of.requests, 0),
      busyMs: all.reduce((sum, of) => sum + of.busyMs, 0),
      slotBusyMs: all.reduce((sum, of) => sum + of.slotBusyMs, 0),
      cpuSeconds: all.reduce((sum, of) => sum + of.cpuSeconds, 0),
    };
  };
  // Looked at within events too: whatever happens is told in the midst of it.
  const seen: ReturnType<typeof total>[] = [];
  bus.registerConsumer(
    'snakepit.**',
    { name: 'counts', handle: () => void seen.push(total()) },
    { delivery: 'inline', sampled: false },
  );
  for (const process of processes) process.measure(1);
  submit();
  submit();
  clock.forward(50);
  processes[0]?.answer();
  clock.forward(50);
  processes[1]?.end(null, 'SIGKILL');
  seen.push(total());
  expect(seen.at(-1)).toEqual({ requests: 1, busyMs: 150, slotBusyMs: 150, cpuSeconds: 2 });
  pool.resize(1);
  const third = pool.recycler.one(processes[0]?.worker as never, 'reload');
  await settled();
  processes[2]?.ready();
  processes[0]?.end();
  await third;
  seen.push(total());
  pool.resize(2);
  seen.push(total());
  await settled();
  processes[3]?.ready();
  submit();
  submit();
  clock.forward(10);
  pool.resize(1);
  for (const process of processes.slice(2)) process.answer();
  processes[3]?.end();
  seen.push(total());
  expect(seen.at(-1)).toMatchObject({ requests: 3, slotBusyMs: 170 });
  for (const key of ['requests', 'busyMs', 'slotBusyMs', 'cpuSeconds'] as const) {
    const values = seen.map((of) => of[key]);
    expect(values, key).toEqual([...values].sort((a, b) => a - b));
  }
});
