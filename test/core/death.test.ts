import { describe, expect, it } from 'vitest';
import { explainDeath } from '../../src/core/death.ts';
import type { Worker } from '../../src/core/worker.ts';
import type { EndReason } from '../../src/core/worker-status.ts';
import { fakeRequest, loneWorker } from './fakes.ts';

type Remains = Parameters<typeof explainDeath>[1];

const gone = (code: number | null, signal: NodeJS.Signals | null = null, more: Partial<Remains> = {}) => ({
  exit: { code, signal },
  fault: undefined,
  failure: undefined,
  killed: false,
  abandoned: false,
  ...more,
});

const starting = () => loneWorker();
const ready = (): Worker => {
  const worker = loneWorker();
  worker.ready([]);
  return worker;
};
const running = (): Worker => {
  const worker = ready();
  worker.load.add(fakeRequest(), 0);
  return worker;
};
const told = (why: EndReason, worker = ready()): Worker => {
  worker.stop(why);
  return worker;
};
const fault = (code: 'protocol_error' | 'transport_error') => ({ code, message: 'A fault of the link.' });

describe('why a worker ended', () => {
  it.each<[string, Worker, Remains, EndReason]>([
    ['while it started', starting(), gone(1), 'start_failed'],
    ['while it was idle', ready(), gone(0), 'crashed'],
    ['by a signal while it was idle', ready(), gone(null, 'SIGKILL'), 'crashed'],
    ['as it was told to', told('stopped'), gone(0), 'stopped'],
    ['as it was told to, for each reason', told('recycled_memory'), gone(0), 'recycled_memory'],
    ['by the SIGTERM that told it to', told('reload'), gone(null, 'SIGTERM'), 'reload'],
    ['with an exit code of its on_stop', told('reload'), gone(3), 'reload'],
    [
      'by our SIGKILL when it took too long',
      told('reload'),
      gone(null, 'SIGKILL', { killed: true }),
      'reload',
    ],
    ['by a SIGKILL of somebody else on its way out', told('reload'), gone(null, 'SIGKILL'), 'crashed'],
    ['by a segmentation fault on its way out', told('recycled_age'), gone(null, 'SIGSEGV'), 'crashed'],
    ['under what it had to finish', told('recycled_age', running()), gone(0), 'crashed'],
    [
      'by our SIGKILL with something unfinished',
      told('stopped', running()),
      gone(null, 'SIGKILL', { killed: true }),
      'stopped',
    ],
    ['since it hung', told('stuck'), gone(null, 'SIGKILL', { killed: true }), 'stuck'],
    [
      'with a fault of the protocol',
      told('protocol_error'),
      gone(null, 'SIGKILL', { fault: fault('protocol_error'), killed: true }),
      'protocol_error',
    ],
    [
      'while it wrote, which looks like a fault of the link',
      told('transport_error'),
      gone(null, 'SIGSEGV', { fault: { ...fault('transport_error'), truncated: true } }),
      'crashed',
    ],
    [
      'after it had broken a frame off and lived on',
      told('transport_error'),
      gone(null, 'SIGKILL', {
        fault: { ...fault('transport_error'), truncated: true },
        killed: true,
        abandoned: true,
      }),
      'transport_error',
    ],
    [
      'after it had closed its connections and lived on',
      told('crashed'),
      gone(null, 'SIGKILL', { killed: true, abandoned: true }),
      'transport_error',
    ],
    ['with its connections first, as any process', told('crashed'), gone(1), 'crashed'],
  ])('%s', (_, worker, remains, why) => {
    expect(explainDeath(worker, remains).why).toBe(why);
  });
});

describe('in words', () => {
  it.each<[string, Worker, Remains, string]>([
    ['an exit code', ready(), gone(3), 'Worker w1 (pid none) ended with exit code 3.'],
    ['a signal', ready(), gone(null, 'SIGSEGV'), 'Worker w1 (pid none) ended with SIGSEGV.'],
    [
      'no process at all',
      starting(),
      { ...gone(null), exit: { code: null, signal: null, error: new Error('spawn ENOENT') } },
      'Worker w1 (pid none) could not be started: spawn ENOENT.',
    ],
    [
      'closed connections',
      told('crashed'),
      gone(null, 'SIGKILL', { killed: true, abandoned: true }),
      'Worker w1 (pid none) closed its connections while it kept running, and was killed.',
    ],
    [
      'a fault of the link',
      told('protocol_error'),
      gone(null, 'SIGKILL', { fault: fault('protocol_error'), killed: true }),
      'A fault of the link.',
    ],
    [
      'a fault of the link that was none',
      told('transport_error'),
      gone(5, null, { fault: { ...fault('transport_error'), truncated: true } }),
      'Worker w1 (pid none) ended with exit code 5.',
    ],
  ])('%s', (_, worker, remains, detail) => {
    expect(explainDeath(worker, remains).detail).toBe(detail);
  });
});

it('the time it took to end counts from when it was told to; 0 for one that was not', () => {
  expect(explainDeath(ready(), gone(1)).drainMs).toBe(0);
  const worker = told('reload');
  const before = performance.now();
  const since = worker.status.kind === 'draining' ? worker.status.since : Number.NaN;
  expect(explainDeath(worker, gone(0)).drainMs).toBeGreaterThanOrEqual(before - since);
});
