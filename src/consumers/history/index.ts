export { History, type HistoryFilter, type HistoryInit } from './history.ts';
export type { Place } from './lives.ts';
export { type Between, slotKey } from './readings.ts';
export type {
  CompleteSlice,
  HeatedSlice,
  HistoryList,
  Levels,
  Life,
  Marker,
  MarkerKind,
  ProcessLevels,
  Slice,
  SlotReadings,
  SpanFigures,
  TrafficSource,
} from './types.ts';
