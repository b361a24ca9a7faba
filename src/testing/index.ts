/**
 * `snakepit/testing`: what is needed to test a program against Snakepit without Python, processes or waiting.
 *
 * @packageDocumentation
 */
export type { Clock, Timer } from '../events/index.ts';
export type { FakeCommand, FakeCommands, FakeContext } from './commands.ts';
export { createFakeSnakepit, type FakePoolOptions, type FakeSnakepitOptions } from './fake-snakepit.ts';
export { type ManualClock, manualClock } from './manual-clock.ts';
export { type CrashOptions, crash, hang, WorkerCrash, WorkerHang } from './outcomes.ts';
export { type EventRecorder, recordEvents } from './recorder.ts';
