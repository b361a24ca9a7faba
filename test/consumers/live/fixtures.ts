import { onTestFinished } from 'vitest';
import type { LiveFilter, LiveViewer, WatchOptions } from '../../../src/consumers/live/index.ts';
import { LiveEvents, type LiveEventsInit } from '../../../src/consumers/live/index.ts';
import { EventBus } from '../../../src/events/index.ts';
import { manualClock } from '../../../src/testing/manual-clock.ts';

/** One server-sent event as it came. */
export interface Frame {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: looked into by path
  readonly data: any;
}

/** The frames of a stream; comments and the blocks that carry an id alone are left out. */
export const framesOf = (text: string): Frame[] =>
  text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) as string;
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
    });

export const seqOf = (id: string): number => Number(id.split('-')[1]);

/** The consumer on a bus of its own, with a clock that stands. */
export const rig = (init: Omit<LiveEventsInit, 'bus'> = {}) => {
  const clock = manualClock();
  onTestFinished(clock.install());
  const bus = new EventBus();
  const live = new LiveEvents({ bus, ...init });
  onTestFinished(() => live.close());
  return { bus, live, clock };
};

const decoder = new TextDecoder();

/** Somebody who looks, and reads when told to. */
export class Client {
  readonly viewer: LiveViewer;
  text = '';
  #pending: Promise<Uint8Array | undefined> | undefined;
  ended = false;

  constructor(live: LiveEvents, filter: LiveFilter = {}, options: WatchOptions = {}) {
    const viewer = live.watch(filter, options);
    if (typeof viewer === 'string') throw new Error(`refused: ${viewer}`);
    this.viewer = viewer;
  }

  get frames(): Frame[] {
    return framesOf(this.text);
  }

  /** Events, without what is said about the stream. */
  get events(): Frame[] {
    return this.frames.filter(({ data }) => data.event_name !== undefined);
  }

  get names(): string[] {
    return this.events.map(({ event }) => event);
  }

  /** Reads one part if there is one. @returns whether there was */
  async read(): Promise<boolean> {
    this.#pending ??= this.viewer.next();
    const bytes = await Promise.race([
      this.#pending,
      new Promise<'none'>((resolve) => setImmediate(resolve, 'none')),
    ]);
    if (bytes === 'none') return false;
    this.#pending = undefined;
    if (bytes === undefined) this.ended = true;
    else this.text += decoder.decode(bytes);
    return bytes !== undefined;
  }

  /** Reads until nothing is there. */
  async drain(): Promise<this> {
    while (await this.read());
    return this;
  }
}
