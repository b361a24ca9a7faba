import fc from 'fast-check';
import type { PoolOptions } from '../../../src/index.ts';
import type { DeathPlan, Direction, StartPlan } from './wire.ts';

/** What a request does in its worker. */
export type Kind = 'echo' | 'sleep' | 'fail' | 'crash' | 'hang' | 'freeze' | 'stream';

/** What a caller asks for. */
export interface Ask {
  readonly kind: Kind;
  /** What it takes, or waits before it fails, crashes or sends its next chunk. */
  readonly ms: number;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  readonly priority: number;
  readonly fairnessKey: string | undefined;
  /** Of a stream: chunks after which its reader leaves; 0: it never reads. */
  readonly takes: number;
}

/** A request that cannot but succeed. Its arguments are its own: those of others may be quarantined. */
export const PLAIN: Ask = {
  kind: 'echo',
  ms: 12345,
  timeoutMs: 1000,
  idempotent: false,
  priority: 0,
  fairnessKey: undefined,
  takes: 100,
};

/** What may happen. `which` picks one of those there are. */
export type Action =
  | { readonly do: 'call'; readonly ask: Ask; readonly times: number }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'kill'; readonly which: number; readonly signal: boolean; readonly death: DeathPlan }
  | {
      readonly do: 'hold';
      readonly which: number;
      readonly directions: readonly Direction[];
      readonly death: DeathPlan;
    }
  | { readonly do: 'thaw'; readonly which: number }
  | { readonly do: 'starts'; readonly plans: readonly StartPlan[] }
  | { readonly do: 'recycle'; readonly which: number }
  | { readonly do: 'roll' | 'unquarantine' }
  | { readonly do: 'resize'; readonly workers: number }
  | { readonly do: 'drain'; readonly withinMs: number }
  | { readonly do: 'close'; readonly drainMs: number };

/** An action, and how long nothing else happens then. */
export interface Step {
  readonly action: Action;
  readonly thenMs: number;
}

const ms = fc.constantFrom(0, 1, 4, 20, 120, 700);

export const asks = (kinds: readonly Kind[]): fc.Arbitrary<Ask> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    ms,
    timeoutMs: fc.constantFrom(30, 400, 3000),
    idempotent: fc.boolean(),
    priority: fc.constantFrom(0, 0, 0, 5, -5),
    fairnessKey: fc.constantFrom(undefined, undefined, 'a', 'b'),
    takes: fc.constantFrom(100, 100, 1, 2, 0),
  });

export const calls = (kinds: readonly Kind[]): fc.Arbitrary<Action> =>
  fc.record({ do: fc.constant('call' as const), ask: asks(kinds), times: fc.constantFrom(1, 1, 2, 6) });

const deaths: fc.Arbitrary<DeathPlan> = fc.record({
  flush: fc.boolean(),
  exitFirst: fc.boolean(),
  gapMs: fc.constantFrom(0, 0, 20, 300),
});

const plans: fc.Arbitrary<StartPlan> = fc.oneof(
  fc.record({ kind: fc.constant('ok' as const), afterMs: ms }),
  fc.record({ kind: fc.constantFrom('fails' as const, 'dies' as const), afterMs: ms }),
  fc.record({ kind: fc.constantFrom('never' as const, 'no_link' as const) }),
);

const which = fc.nat(7);
const directions = fc.uniqueArray(fc.constantFrom<Direction>('work', 'control', 'answers', 'words'), {
  minLength: 1,
});
const allKinds: readonly Kind[] = [
  'echo',
  'echo',
  'echo',
  'sleep',
  'sleep',
  'sleep',
  'fail',
  'crash',
  'hang',
  'freeze',
  'stream',
  'stream',
];

const is = <D extends Action['do']>(name: D) => ({ do: fc.constant(name) });

/** What is done, and how often. */
export interface Weights {
  readonly kinds: readonly Kind[];
  readonly calls: number;
  readonly cancels: number;
  readonly kills: number;
  readonly holds: number;
  readonly starts: number;
  readonly recycles: number;
  readonly resizes: number;
  readonly ends: number;
}

const actions = (weights: Weights): fc.Arbitrary<Action> =>
  fc.oneof<fc.WeightedArbitrary<Action>[]>(
    { weight: weights.calls, arbitrary: calls(weights.kinds) },
    { weight: weights.cancels, arbitrary: fc.record({ ...is('cancel'), which: fc.nat(40) }) },
    {
      weight: weights.kills,
      arbitrary: fc.record({ ...is('kill'), which, signal: fc.boolean(), death: deaths }),
    },
    { weight: weights.holds, arbitrary: fc.record({ ...is('hold'), which, directions, death: deaths }) },
    { weight: weights.holds, arbitrary: fc.record({ ...is('thaw'), which }) },
    {
      weight: weights.starts,
      arbitrary: fc.record({ ...is('starts'), plans: fc.array(plans, { minLength: 1, maxLength: 4 }) }),
    },
    { weight: 2 * weights.recycles, arbitrary: fc.record({ ...is('recycle'), which }) },
    { weight: weights.recycles, arbitrary: fc.record(is('roll')) },
    { weight: weights.starts, arbitrary: fc.record(is('unquarantine')) },
    {
      weight: weights.resizes,
      arbitrary: fc.record({ ...is('resize'), workers: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: weights.ends, arbitrary: fc.record({ ...is('drain'), withinMs: ms }) },
    { weight: weights.ends, arbitrary: fc.record({ ...is('close'), drainMs: ms }) },
  );

/** Everything that may happen. */
export const EVERYTHING: Weights = {
  kinds: allKinds,
  calls: 14,
  cancels: 3,
  kills: 3,
  holds: 3,
  starts: 2,
  recycles: 1,
  resizes: 2,
  ends: 1,
};

const pauses = fc.constantFrom(0, 0, 0, 1, 6, 50, 300, 1500, 6000);

export const schedules = (weights: Weights): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ action: actions(weights), thenMs: pauses }), { maxLength: 40, size: 'max' });

/** What can differ from pool to pool; waits are short enough for all of them to end in a schedule. */
export const pools: fc.Arbitrary<Partial<PoolOptions>> = fc.record({
  workers: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 2 }),
  maxPrefetch: fc.constantFrom(0, 1, 3),
  maxQueue: fc.constantFrom(2, 8, 100),
  startConcurrency: fc.integer({ min: 1, max: 3 }),
  streamBuffer: fc.integer({ min: 1, max: 3 }),
  retries: fc.record({ max: fc.nat(2), delayMs: fc.constantFrom(1, 50), budget: fc.constantFrom(0, 0.2, 1) }),
  recycle: fc.record({
    order: fc.constantFrom('start_first' as const, 'stop_first' as const),
    afterRequests: fc.constantFrom(undefined, 1, 5),
  }),
  circuitBreaker: fc.constantFrom(undefined, { minVolume: 3, windowMs: 1000, openMs: 500 }),
  slowAfterMs: fc.constantFrom(undefined, 10),
  crashLoopAfter: fc.integer({ min: 1, max: 3 }),
  poisonAfter: fc.constantFrom(0, 2),
});
