export type { ToldEvent } from './frames.ts';
export { LiveEvents, type LiveEventsInit } from './live-events.ts';
export type { LiveFilter, LiveViewer, Refused, ViewerCounts, WatchOptions } from './types.ts';
