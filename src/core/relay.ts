import type { EventBus, EventHandle } from '../events/index.ts';
import type { Request } from './request.ts';
import type { LogRecord, Worker } from './worker.ts';

/** Puts what workers say of themselves on the bus. The host says who spoke; what the worker claims about that is overwritten. */
export class Relay {
  readonly #bus: EventBus;
  readonly #poolName: string;
  readonly #log: EventHandle<'python.log'>;

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
    this.#bus.emit(`python.${name}`, measurements, { ...metadata, ...this.#about(worker, request) });
  }

  log(worker: Worker, request: Request | undefined, record: LogRecord): void {
    if (this.#log.wanted) this.#log.emit({}, { ...record, ...this.#about(worker, request) });
    else this.#log.count++;
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
