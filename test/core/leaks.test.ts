import { expect, it } from 'vitest';
import { Leaks } from '../../src/core/leaks.ts';
import { loneWorker } from './fakes.ts';

const MIB = 2 ** 20;

/** Readings of a worker with requests of these commands before each. */
const watch = (leaks: Leaks, ...steps: { ran: string[]; rss: number }[]) => {
  const worker = loneWorker();
  leaks.measured(worker, 100 * MIB);
  for (const { ran, rss } of steps) {
    for (const command of ran) leaks.ran(worker, command);
    leaks.measured(worker, rss);
  }
};

const growing = (command: string, readings: number, byEach = MIB) =>
  Array.from({ length: readings }, (_, i) => ({
    ran: [command, command],
    rss: 100 * MIB + (i + 1) * byEach,
  }));

it('what grows with a command is held against it, by request', () => {
  const leaks = new Leaks();
  watch(leaks, ...growing('leak', 6));
  expect(leaks.hints).toEqual([{ command: 'leak', rss_bytes_per_request: MIB / 2, requests: 12 }]);
});

it('the workers of a pool are added up', () => {
  const leaks = new Leaks();
  watch(leaks, ...growing('leak', 3));
  expect(leaks.hints).toEqual([]);
  watch(leaks, ...growing('leak', 3));
  expect(leaks.hints).toMatchObject([{ command: 'leak', requests: 12 }]);
});

it.each([
  ['few readings', growing('x', 4)],
  ['little growth', growing('x', 20, 1000)],
  ['growth while two commands ran', growing('x', 10).map((step) => ({ ...step, ran: ['x', 'y', 'x'] }))],
  ['growth while nothing ran', growing('x', 10).map((step) => ({ ...step, ran: [] }))],
  [
    'one jump and then nothing, as of a cache that fills',
    Array.from({ length: 10 }, () => ({ ran: ['x'], rss: 200 * MIB })),
  ],
  [
    'what comes and goes',
    Array.from({ length: 10 }, (_, i) => ({ ran: ['x'], rss: (i % 2 ? 100 : 200) * MIB })),
  ],
])('no hint: %s', (_, steps) => {
  const leaks = new Leaks();
  watch(leaks, ...steps);
  expect(leaks.hints).toEqual([]);
});

it('the growth before the first reading is the start, and nobody’s', () => {
  const leaks = new Leaks();
  const worker = loneWorker();
  leaks.ran(worker, 'x');
  leaks.measured(worker, 500 * MIB);
  expect(leaks.hints).toEqual([]);
});

it('commands beyond two hundred cost no memory', () => {
  const leaks = new Leaks();
  for (let i = 0; i < 300; i++) watch(leaks, ...growing(`c${i}`, 6));
  expect(leaks.hints).toHaveLength(200);
});
