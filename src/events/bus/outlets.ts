import { ConsumerCircuit } from './circuit.ts';
import type { Consumer, ResolvedConsumerOptions } from './consumer.ts';
import { InlineOutlet } from './inline.ts';
import type { Outlet } from './outlet.ts';
import { type Deliver, QueuedOutlet } from './queued.ts';
import type { Reporter } from './reporter.ts';
import type { Tally } from './tally.ts';

/** What an outlet needs of the bus. */
export interface OutletHelp {
  /** Claims the name; throws when it is taken. */
  readonly tally: () => Tally;
  readonly reporter: Reporter;
}

/**
 * Makes the way to one consumer.
 *
 * @throws TypeError when it cannot be called
 */
export const makeOutlet = (
  name: string,
  consumer: Consumer,
  options: ResolvedConsumerOptions,
  { tally, reporter }: OutletHelp,
): Outlet => {
  const deliver = deliverOf(consumer);
  if (options.delivery === 'inline' && deliver.kind === 'batch') {
    throw new TypeError(`Consumer '${name}' takes batches, so it cannot be delivered to inline.`);
  }
  const init = {
    name,
    tally: tally(),
    circuit: new ConsumerCircuit(options.circuit, reporter.circuitOf(name)),
    onFailure: reporter.failed.bind(reporter),
  };
  if (options.delivery === 'inline' && deliver.kind === 'one') {
    // Whatever it looks at besides the weight is not there inline.
    const handle = deliver.handle as ConstructorParameters<typeof InlineOutlet>[0]['handle'];
    return new InlineOutlet({ ...init, sampled: options.sampled, handle });
  }
  return new QueuedOutlet({ ...init, deliver, options, onLoss: reporter.lost.bind(reporter) });
};

const deliverOf = (consumer: Consumer): Deliver => {
  if (typeof consumer === 'function') return { kind: 'one', handle: consumer };
  const { handle, handleBatch } = (consumer ?? {}) as Partial<Record<'handle' | 'handleBatch', unknown>>;
  if (typeof handle === 'function') return { kind: 'one', handle: handle.bind(consumer) };
  if (typeof handleBatch === 'function') return { kind: 'batch', handle: handleBatch.bind(consumer) };
  throw new TypeError('A consumer is a function or an object { name, handle } or { name, handleBatch }.');
};
