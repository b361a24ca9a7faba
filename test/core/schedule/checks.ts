import type { SnakepitError } from '../../../src/errors/index.ts';
import { monotonic, type PoolSnapshot, type SnakepitEvent } from '../../../src/events/index.ts';
import type { Call } from './call.ts';
import { CHUNKS, WAITS, type World } from './world.ts';

/** What a status may be followed by. */
const transitions: Readonly<Record<string, readonly string[]>> = {
  starting: ['starting', 'ready', 'draining', 'exited'],
  ready: ['busy', 'draining', 'exited'],
  busy: ['ready', 'draining', 'exited'],
  // One that was to end in peace and is given up.
  draining: ['draining', 'exited'],
  exited: [],
};

/** The events that tell of a transition; draining has none of its own. */
const eventOf = (from: string | undefined, to: string): RegExp | undefined => {
  if (to === 'exited') return /^(stopped|recycled|crashed|start_failed)$/;
  if (from === 'starting' && to === 'ready') return /^started$/;
  if (from === 'ready' && to === 'busy') return /^busy$/;
  return from === 'busy' && to === 'ready' ? /^idle$/ : undefined;
};

const lifeEvents = new Set(['started', 'busy', 'idle', 'stopped', 'recycled', 'crashed', 'start_failed']);

/** The story of a request in one letter an event. */
const letters: Readonly<Record<string, string>> = {
  'snakepit.request.queued': 'Q',
  'snakepit.stream.opened': 'o',
  'snakepit.request.started': 'S',
  'snakepit.request.retried': 'R',
  'snakepit.request.slow': 's',
  'snakepit.stream.chunk': 'c',
  'snakepit.request.failed': 'F',
  'snakepit.request.timed_out': 'F',
  'snakepit.request.cancelled': 'F',
  'snakepit.request.rejected': 'F',
  'snakepit.stream.closed': 'x',
  'snakepit.request.completed': 'C',
};
const legalStory = /^Qo?s?(Ss?c*s?c*(Rs?)?)*F?x?C$/;

/** What may go wrong with any request. */
const anyTime = [
  'cancelled',
  'timeout',
  'queue_timeout',
  'queue_full',
  'worker_crashed',
  'worker_stuck',
  'transport_error',
  'draining',
  'crash_loop',
  'worker_start_failed',
  'circuit_open',
  'poison_request',
];

/** `expect` costs more than everything that is looked at here together. */
const must = (holds: boolean, what: string, about?: () => string): void => {
  if (!holds) throw new Error(about === undefined ? what : `${what}: ${about()}`);
};

/** Holds at any moment between two steps. */
export const checkMoment = (world: World, before: PoolSnapshot | undefined): PoolSnapshot => {
  const { snapshot } = world;
  const { concurrency = 1, maxPrefetch = 32 } = world.options;
  const { queue_depth, requests_in_flight } = snapshot;
  const unsettled = world.calls.filter((call) => !call.completed).length;
  const counted = () => `${queue_depth} wait, ${requests_in_flight} run, ${unsettled} are not settled`;
  must(queue_depth >= 0 && requests_in_flight >= 0, 'a level is below zero', counted);
  must(queue_depth + requests_in_flight === unsettled, 'levels and requests differ', counted);
  for (const row of [...snapshot.workers, ...snapshot.extra_workers]) {
    must(
      row.in_flight >= 0 && row.in_flight <= concurrency,
      'more run in a worker than may',
      () => row.id ?? '',
    );
  }
  for (const { most, id } of world.wires)
    must(
      most <= concurrency + maxPrefetch,
      'more were sent to a worker than it may hold',
      () => `${id} ${most}`,
    );
  checkSlots(world);
  if (!world.closing) checkPulses(world);
  const now = totalsOf(snapshot);
  const then = before === undefined ? now : totalsOf(before);
  must(
    now.requests >= then.requests,
    'the count of requests has fallen',
    () => `${then.requests} ${now.requests}`,
  );
  must(now.busy >= then.busy - 1e-9, 'the busy time has fallen', () => `${then.busy} ${now.busy}`);
  return snapshot;
};

const totalsOf = ({ workers, gone_slots, slot_busy_seconds_total }: PoolSnapshot) => ({
  requests: workers.reduce((sum, row) => sum + row.slot_requests_total, gone_slots?.requests_total ?? 0),
  busy: slot_busy_seconds_total,
});

/** Whoever is silent for too long is gone soon after. */
const checkPulses = ({ living }: World): void => {
  const { stuckAfterMs, heartbeatIntervalMs } = WAITS;
  for (const { worker, id } of living) {
    const silentMs = worker.readyAt === 0 ? 0 : monotonic() - worker.pulse.heardAt;
    // The silence is noticed by the second heartbeat after it at the latest, and its end is seen after 300 ms.
    must(silentMs <= stuckAfterMs + 2 * heartbeatIntervalMs + 301, 'a silent worker lives on', () => id);
  }
};

/** One worker that is not on its way out fills a slot; beside it, only its successor. */
const checkSlots = ({ living }: World): void => {
  const staying = living.filter(({ worker }) => !['draining', 'exited'].includes(worker.status.kind));
  for (const { slot } of staying) {
    const [, second, third] = staying.filter((wire) => wire.slot === slot);
    must(third === undefined, 'a slot has three workers', () => String(slot));
    must(second === undefined || second.worker.origin === 'successor', 'a slot has two workers', () =>
      String(slot),
    );
  }
};

/** Holds once everything is over. */
export const checkEnd = (world: World): void => {
  for (const call of world.calls) checkCall(call, world);
  for (const [id, life] of world.lives) checkLife(id, life, world.events);
  const { queue_depth, requests_in_flight } = world.snapshot;
  must(queue_depth === 0 && requests_in_flight === 0, 'something waits or runs after close');
  must(world.living.length === 0, 'a worker lives after close');
};

const checkCall = (call: Call, world: World): void => {
  const { ask, outcomes, begun } = call;
  const story = storyOf(call);
  const told = () => `${call.id} ${JSON.stringify(ask)}: ${story}, begun ${begun} times`;
  must(outcomes.length === 1, `settled ${outcomes.length} times`, told);
  // What it was doing is asked for when its time is over, and that has 100 ms. A reader that never reads learns nothing.
  const reads = ask.kind !== 'stream' || ask.takes > 0;
  must(!reads || call.settledAt - call.acceptedAt <= ask.timeoutMs + 101, 'settled too late', told);
  must(legalStory.test(story), 'the events are not a story', told);
  const most = ask.idempotent ? 1 + (world.options.retries?.max ?? 2) : 1;
  must(begun <= most, 'begun too often', told);
  must(
    call.chunks.every((chunk, at) => chunk === at),
    'chunks are missing, doubled or out of order',
    () => `${told()} ${call.chunks.join()}`,
  );
  const { metadata = undefined } = call.story.at(-1) ?? {};
  const [outcome] = outcomes;
  if (outcome?.kind === 'result') {
    const wanted = ask.kind === 'stream' ? CHUNKS : ask.ms;
    must(['echo', 'sleep', 'stream'].includes(ask.kind) && outcome.value === wanted, 'a wrong result', told);
    must(call.begunBefore > 0, 'a result of nothing', told);
    must(metadata?.status === 'success', 'completed otherwise than told', told);
    must(metadata?.attempts === begun, 'begun otherwise than told', told);
  } else if (outcome?.kind === 'error') {
    must(metadata?.code === outcome.error.code, 'completed otherwise than told', told);
    checkError(call, outcome.error, world, () => `${outcome.error.code} of ${told()}`);
  }
};

const checkError = (call: Call, error: SnakepitError, world: World, told: () => string): void => {
  const { code, retryable } = error;
  const { ask, begunBefore, caller } = call;
  must(code === 'python_exception' ? ask.kind === 'fail' : anyTime.includes(code), 'an odd outcome', told);
  must(!retryable || ask.idempotent || call.begun === 0, 'said to be repeatable, but it was begun', told);
  if (code === 'worker_crashed' || code === 'worker_stuck') {
    must(begunBefore > 0, 'it never was in that worker', told);
    must(call.story.at(-1)?.metadata.attempts === begunBefore, 'begun otherwise than told', told);
  }
  if (code === 'cancelled') must(caller.signal.aborted || world.closing, 'nobody cancelled it', told);
  if (code === 'draining') must(world.closing || world.draining, 'it was not draining', told);
  const took = call.settledAt - call.acceptedAt;
  if (code === 'queue_timeout') must(took >= ask.timeoutMs, 'its time was not over', told);
};

const storyOf = (call: Call): string =>
  call.story.map((event) => letters[event.event_name] ?? `(${event.event_name})`).join('');

const checkLife = (id: string, life: readonly string[], events: readonly SnakepitEvent[]): void => {
  const wanted: RegExp[] = [];
  const emitted = events
    .filter(({ metadata, event_name }) => metadata.worker_id === id && event_name.startsWith(WORKER))
    .map(({ event_name }) => event_name.slice(WORKER.length))
    .filter((name) => lifeEvents.has(name));
  const told = () => `${id}: ${life.join(' ')}; events: ${emitted.join(' ')}`;
  life.forEach((to, at) => {
    const from = life[at - 1];
    must(from === undefined || transitions[from]?.includes(to) === true, `${from} became ${to}`, told);
    const event = eventOf(from, to);
    if (event !== undefined) wanted.push(event);
  });
  must(emitted.length === wanted.length, 'not one event for each transition', told);
  must(
    emitted.every((name, at) => wanted[at]?.test(name)),
    'events and transitions differ',
    told,
  );
  must(life.at(-1) === 'exited', 'it never ended', told);
};

const WORKER = 'snakepit.worker.';
