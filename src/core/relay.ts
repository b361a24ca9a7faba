import type { EventBus, EventHandle } from '../events/index.ts';
import type { Request } from './request.ts';
import type { LogRecord, Worker } from './worker.ts';

/** Events of the app's own that one pool may name; what comes beyond is one event, so that a loop that invents names grows neither memory nor metrics. */
const MAX_NAMES = 200;
const OTHER = 'python._other';
/** Carries the app's metrics (PROTOCOL.md): however many names an app invents, they are counted. */
const METRICS = '_metrics';

/** Puts what workers say of themselves on the bus. The host says who spoke; what the worker claims about that is overwritten. */
export class Relay {
  readonly #bus: EventBus;
  readonly #poolName: string;
  readonly #log: EventHandle<'python.log'>;
  readonly #names = new Set<string>();

  constructor(bus: EventBus, poolName: string) {
    this.#bus = bus;
    this.#poolName = poolName;
    this.#log = bus.event('python.log');
  }

  event(
    worker: Worker,
    request: Request | undefined,
    name: string,
    measurements: Record<string, unknown>,
    metadata: Record<string, unknown>,
  ): void {
    const about = this.#about(worker, request);
    if (this.#knows(name)) this.#bus.emit(`python.${name}`, measurements, { ...metadata, ...about });
    else this.#bus.emit(OTHER, measurements, { ...metadata, ...about, name });
  }

  log(worker: Worker, request: Request | undefined, record: LogRecord): void {
    if (!this.#log.wanted) {
      this.#log.count++;
      return;
    }
    this.#bus.subject = request;
    this.#log.emit({}, { ...record, ...this.#about(worker, request) });
    this.#bus.subject = undefined;
  }

  #knows(name: string): boolean {
    if (name === METRICS || this.#names.has(name)) return true;
    if (this.#names.size >= MAX_NAMES) return false;
    this.#names.add(name);
    return true;
  }

  #about(worker: Worker, request: Request | undefined) {
    return {
      pool_name: this.#poolName,
      worker_id: worker.id,
      worker_slot: worker.slot,
      ...(request !== undefined && {
        request_id: request.requestId,
        correlation_id: request.correlationId,
        command: request.command,
      }),
    };
  }
}
