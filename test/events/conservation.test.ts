import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ConsumerOptions, EventBus } from '../../src/events/index.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { conserves, droppedOf, idAt } from './support.ts';

/** What a consumer does with an event. */
const behaviours = [
  'take',
  'throw',
  'resolve',
  'reject',
  'transient',
  'hang',
  'late',
  'emit',
  'leave',
] as const;
type Behaviour = (typeof behaviours)[number];

const options: fc.Arbitrary<ConsumerOptions> = fc.record({
  delivery: fc.constantFrom('queued' as const, 'inline' as const),
  sampled: fc.boolean(),
  queue: fc.record({
    maxEvents: fc.integer({ min: 1, max: 5 }),
    maxBytes: fc.constantFrom(300, 10_000),
    onFull: fc.constantFrom('drop_oldest' as const, 'drop_newest' as const, 'block' as const),
    blockMs: fc.constantFrom(1, 50),
  }),
  batch: fc.record({ maxEvents: fc.integer({ min: 1, max: 4 }), waitMs: fc.constantFrom(0, 10) }),
  deadlineMs: fc.constantFrom(20, 100),
  retry: fc.record({ attempts: fc.nat({ max: 2 }), backoffMs: fc.constantFrom(1, 30) }),
  circuit: fc.record({ failures: fc.integer({ min: 1, max: 4 }), openMs: fc.constantFrom(10, 200) }),
});

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('emit' as const),
      step: fc.nat({ max: 5 }),
      request: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 15, 60, 300) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sample' as const), rate: fc.constantFrom(0, 0.5, 1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), who: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('switch' as const), on: fc.boolean() }) },
);

/** All but what consumers emit themselves: they would feed themselves for ever. */
const TAKEN = { patterns: ['snakepit.**', 'a.**'] };
const steps = ['queued', 'started', 'slow', 'failed', 'completed', 'completed'];

/**
 * For every consumer, at every moment, offered = delivered + dropped + pending, whatever it does, whatever is set meanwhile; and once the bus is closed nothing is pending.
 */
it('no event is lost or counted twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          options,
          fc.array(fc.constantFrom(...behaviours), { minLength: 1, maxLength: 6 }),
          fc.boolean(),
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      fc.array(action, { maxLength: 40 }),
      fc.constantFrom(0, 50, 1000),
      async (consumers, actions, flushMs) => {
        using time = manualClock();
        time.install();
        const bus = new EventBus();
        const taken = consumers.map(() => 0);
        const check = () => {
          for (const counts of bus.consumers()) expect(counts, JSON.stringify(counts)).toSatisfy(conserves);
        };
        const act = (i: number, behaviour: Behaviour, n: number): unknown => {
          taken[i] = (taken[i] as number) + n;
          check();
          switch (behaviour) {
            case 'throw':
              throw new Error('no');
            case 'resolve':
              return Promise.resolve();
            case 'reject':
              return Promise.reject(new Error('no'));
            case 'transient':
              return Promise.reject(Object.assign(new Error('no'), { transient: true }));
            case 'hang':
              return new Promise(() => {});
            case 'late':
              return new Promise((resolve) => time.clock.after(60, () => resolve(undefined)));
            case 'emit':
              bus.emit('b.nested');
              return undefined;
            case 'leave':
              removers[i]?.();
              return undefined;
            default:
              return undefined;
          }
        };
        const removers = consumers.map(([given, script, inBatches], i) => {
          let turn = 0;
          const next = () => script[turn++ % script.length] as Behaviour;
          const name = `c${i}`;
          if (inBatches && given.delivery === 'queued') {
            const handleBatch = (events: readonly unknown[]) => act(i, next(), events.length);
            return bus.registerConsumer(TAKEN, { name, handleBatch }, given);
          }
          return bus.registerConsumer(TAKEN, { name, handle: () => act(i, next(), 1) }, given);
        });
        for (const each of actions) {
          if (each.do === 'emit') {
            const step = steps[each.step] as string;
            const status = each.step === 4 ? 'failure' : 'success';
            const about = { request_id: `r${each.request}`, correlation_id: idAt(each.request / 6), status };
            bus.emit(`snakepit.request.${step}`, {}, about);
            bus.emit('a.own', { text: 'x'.repeat(each.request * 40) });
          } else if (each.do === 'wait') await time.advance(each.ms);
          else if (each.do === 'sample') bus.configure({ sampling: { 'snakepit.request.**': each.rate } });
          else if (each.do === 'limit') bus.setRateLimit('a.*', each.on ? { perSecond: 1, burst: 2 } : null);
          else if (each.do === 'remove') removers[each.who]?.();
          else bus.configure({ consumers: { c0: each.on } });
          check();
        }
        const closed = bus.close(flushMs);
        await time.advance(flushMs);
        await closed;
        check();
        for (const [i] of consumers.entries()) {
          const counts = bus.consumers().find(({ name }) => name === `c${i}`);
          expect(counts?.pending).toBe(0);
          expect(counts?.delivered).toBeLessThanOrEqual(taken[i] as number);
          expect((counts?.delivered ?? 0) + (counts === undefined ? 0 : droppedOf(counts))).toBe(
            counts?.offered,
          );
        }
        // What comes too late changes nothing, and no timer is left.
        await time.advance(100);
        check();
        expect(time.pending).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
