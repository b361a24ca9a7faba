import { type SnakepitEvent, weigh } from '../../events/index.ts';
import { type Depth, kindOf } from './kinds.ts';

/** An event that is kept. */
export interface Entry {
  /** Rises by one with each event. */
  readonly seq: number;
  readonly event: SnakepitEvent;
  /** For how many it stands. */
  readonly weight: number;
  readonly depth: Depth;
  /** What it takes, roughly. */
  readonly bytes: number;
  /** As it is sent, once somebody has wanted it. */
  text: string | undefined;
}

/** Of an event of the core with figures and ids only, its text included. */
const SMALL_BYTES = 1200;
const OVERHEAD = 300;
/** Keeping a larger one as it is would push out all others. */
const MAX_BYTES = 256 * 1024;

const filtered = ['timestamp', 'pool_name', 'command', 'correlation_id', 'request_id', 'level'];

/** What is left of an event that is too large to be kept: what filters ask for. */
const stub = ({ event_name, metadata }: SnakepitEvent): SnakepitEvent => ({
  event_name,
  measurements: {},
  metadata: {
    ...Object.fromEntries(filtered.map((name) => [name, metadata[name]])),
    timestamp: metadata.timestamp,
    left_out: 'the event is too large for the live stream',
  },
});

/** Puts an event down. Only what can be large is weighed. */
export const entryOf = (seq: number, event: SnakepitEvent, weight: number): Entry => {
  const { depth } = kindOf(event.event_name);
  const bytes = depth === 2 ? SMALL_BYTES : OVERHEAD + 2 * weigh(event);
  if (bytes <= MAX_BYTES) return { seq, event, weight, depth, bytes, text: undefined };
  return { seq, event: stub(event), weight, depth, bytes: SMALL_BYTES, text: undefined };
};
