import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LiveEvents } from '../../../src/consumers/live/index.ts';
import { EventBus } from '../../../src/events/index.ts';
import { manualClock } from '../../../src/testing/manual-clock.ts';
import { Client, seqOf } from './fixtures.ts';

const FILTERS = [{}, { patterns: ['a.*'] }, { patterns: ['snakepit.worker.crashed'] }, { pool: 'p' }];
const NAMES = ['a.one', 'b.one', 'snakepit.worker.crashed'];
const passes = (filter: number, name: string, pool: string) =>
  [true, name === 'a.one', name === 'snakepit.worker.crashed', pool === 'p'][filter] as boolean;

/** Somebody who looks over several connections, and what must have come. */
interface Watcher {
  readonly filter: number;
  readonly immediate: boolean;
  client: Client | undefined;
  lastEventId: string | undefined;
  /** Numbers of the events that matched since it began to look. */
  matched: number[];
  got: number[];
  dropped: number;
  lastSeq: number;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('emit' as const),
      name: fc.nat(2),
      pool: fc.constantFrom('p', 'q'),
      times: fc.constantFrom(1, 2, 5, 60, 300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 60, 260, 61_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), who: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('come' as const), who: fc.nat(2) }) },
);

/** Takes over what a connection has brought. */
const settle = (watcher: Watcher, from: number): number => {
  const frames = watcher.client?.frames ?? [];
  for (const { id, event, data } of frames.slice(from)) {
    // Ids rise for ever, over all connections.
    if (event !== 'hello' && event !== 'reset') expect(seqOf(id)).toBeGreaterThan(watcher.lastSeq);
    watcher.lastSeq = seqOf(id);
    watcher.lastEventId = id;
    if (event === 'dropped') watcher.dropped += data.count;
    else if (event === 'reset') {
      // Some are missing, and it knows. From here on the account must be right again.
      watcher.matched = watcher.matched.filter((n) => !watcher.got.includes(n));
      watcher.got = [];
      watcher.dropped = Number.NaN;
    } else if (event !== 'hello') watcher.got.push(data.measurements.n);
  }
  return frames.length;
};

it('brings every event that matches exactly once over any number of connections, or says what is missing', async () => {
  let resets = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.array(fc.record({ filter: fc.nat(3), immediate: fc.boolean() }), { minLength: 3, maxLength: 3 }),
      fc.constantFrom(40, 2000),
      async (steps, kinds, keep) => {
        const clock = manualClock();
        const restore = clock.install();
        const bus = new EventBus();
        const live = new LiveEvents({ bus, keep });
        const watchers: (Watcher & { seen: number })[] = kinds.map((kind) => ({
          ...kind,
          client: undefined,
          lastEventId: undefined,
          matched: [],
          got: [],
          dropped: 0,
          lastSeq: -1,
          seen: 0,
        }));
        let n = 0;
        const leave = (watcher: Watcher) => {
          const { matched, sent, dropped, pending } = watcher.client?.viewer.counts() ?? {
            matched: 0,
            sent: 0,
            dropped: 0,
            pending: 0,
          };
          expect(sent + dropped + pending).toBe(matched);
          watcher.client?.viewer.close();
          watcher.client = undefined;
        };
        const come = async (watcher: Watcher & { seen: number }) => {
          const { filter, immediate, lastEventId } = watcher;
          watcher.client = new Client(live, FILTERS[filter], { immediate, lastEventId });
          // At least the first frame arrives; a connection without one was none.
          await watcher.client.read();
          watcher.seen = settle(watcher, 0);
        };
        try {
          for (const act of steps) {
            const watcher = watchers['who' in act ? act.who : 0] as (typeof watchers)[number];
            if (act.do === 'wait') await clock.advance(act.ms);
            else if (act.do === 'emit') {
              for (let i = 0; i < act.times; i++) {
                n++;
                const name = NAMES[act.name] as string;
                for (const each of watchers)
                  if (each.lastEventId !== undefined && passes(each.filter, name, act.pool))
                    each.matched.push(n);
                bus.emit(name, { n }, { pool_name: act.pool });
              }
            } else if (act.do === 'come') {
              if (watcher.client === undefined) await come(watcher);
            } else if (watcher.client !== undefined) {
              if (act.do === 'leave') leave(watcher);
              else {
                await watcher.client.read();
                watcher.seen = settle(watcher, watcher.seen);
              }
            }
          }
          for (const watcher of watchers) {
            if (watcher.lastEventId === undefined) continue;
            if (watcher.client === undefined) await come(watcher);
            await clock.advance(300);
            await watcher.client?.drain();
            settle(watcher, watcher.seen);
            leave(watcher);
            const { matched, got, dropped } = watcher;
            expect(new Set(got).size).toBe(got.length);
            expect(got).toEqual([...got].sort((a, b) => a - b));
            for (const each of got) expect(matched).toContain(each);
            if (Number.isNaN(dropped)) resets++;
            else expect(got.length + dropped).toBe(matched.length);
          }
        } finally {
          live.close();
          restore();
        }
      },
    ),
    { numRuns: 300 },
  );
  // The hard case has come up too.
  expect(resets).toBeGreaterThan(0);
}, 120_000);
