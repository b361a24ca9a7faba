/** What became of the events, as the server says it. */

export interface Consumer {
  readonly name: string;
  readonly offered: number;
  readonly delivered: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly circuit: string;
}

export interface Telemetry {
  readonly consumers: readonly Consumer[];
  readonly events: { readonly emitted: number; readonly malformed: number };
  readonly sampling: Readonly<Record<string, number>>;
  readonly rate_limits: Readonly<
    Record<
      string,
      { readonly per_second: number; readonly burst: number | null; readonly key: string | null }
    >
  >;
  readonly keep: { readonly per_second: number; readonly burst: number };
  readonly hold: { readonly max_events: number; readonly max_age_ms: number };
  readonly switched_off: readonly string[];
  readonly logs: Readonly<Record<string, unknown>> | null;
}

/** Dropped on purpose, by a rule somebody made; the rest is loss. */
const wanted = new Set(['sampled', 'rate_limited', 'shutdown', 'removed']);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);

/** What a consumer did not get, by whether that was meant. */
export const droppedOf = ({ dropped }: Consumer): { readonly all: number; readonly lost: number } => ({
  all: sum(Object.values(dropped)),
  lost: sum(Object.entries(dropped).flatMap(([reason, n]) => (wanted.has(reason) ? [] : [n]))),
});

/** Whether all that was offered is accounted for. What is handed over just now may be counted on one side only. */
export const isBalanced = (consumer: Consumer): boolean =>
  consumer.offered === consumer.delivered + droppedOf(consumer).all + consumer.pending;

/** Reasons with their counts, where there are any: `sampled 12, overflow 3`. */
export const reasonsText = ({ dropped }: Consumer): string =>
  Object.entries(dropped)
    .filter(([, n]) => n > 0)
    .map(([reason, n]) => `${reason.replaceAll('_', ' ')} ${n}`)
    .join(', ');

/** How a consumer is. */
export const consumerTone = (consumer: Consumer): 'ok' | 'warning' | 'error' => {
  if (consumer.circuit === 'open') return 'error';
  return consumer.circuit === 'half_open' || droppedOf(consumer).lost > 0 ? 'warning' : 'ok';
};

/** Counts by consumer, to tell rates by. */
export const offeredOf = ({ consumers }: Telemetry): Readonly<Record<string, number>> =>
  Object.fromEntries(consumers.map(({ name, offered }) => [name, offered]));
