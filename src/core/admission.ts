import type { ResolvedPool } from '../config/index.ts';
import type { SnakepitError } from '../errors/index.ts';
import { monotonic, type PoolState } from '../events/index.ts';
import { PayloadTooLarge, prepare, UnserializableValue } from '../transport/index.ts';
import type { Breaker } from './breaker.ts';
import type { Failures } from './failures.ts';
import type { Poison } from './poison.ts';
import type { RequestQueue } from './queue.ts';
import type { Request } from './request.ts';
import type { Supervisor } from './supervisor.ts';

/** What decides whether a request is taken. */
export interface Gatekeepers {
  readonly name: string;
  readonly options: ResolvedPool;
  readonly failures: Failures;
  readonly queue: RequestQueue;
  readonly supervisor: Supervisor;
  readonly poison: Poison;
  readonly breaker: Breaker | undefined;
}

/** Decides whether a pool takes a request, and makes its arguments sendable. */
export class Admission {
  readonly #of: Gatekeepers;
  /** Why no worker can be started, until one can. */
  startError: SnakepitError | undefined;
  /** Every slot was quarantined when last looked at. */
  looping = false;

  constructor(gatekeepers: Gatekeepers) {
    this.#of = gatekeepers;
  }

  /** Why a request cannot be taken, or undefined when it is. The cheap reasons come first. */
  refusal(request: Request, state: PoolState, mustQueue: boolean): SnakepitError | undefined {
    const { name, failures, queue } = this.#of;
    if (state === 'draining' || state === 'closed') {
      const message = `The pool '${name}' is ${state} and takes no new requests.`;
      return failures.ofRequest(request, 'draining', message);
    }
    const hopeless = this.unserved(request);
    if (hopeless !== undefined) return hopeless;
    if (mustQueue && !queue.hasRoom()) {
      const message = `The queue of pool '${name}' is full (${queue.capacity} requests wait): send less, or raise workers or maxQueue.`;
      const retryAfterMs = queue.retryAfterMs(monotonic());
      return failures.ofRequest(request, 'queue_full', message, { retryAfterMs });
    }
    const fault = this.#prepare(request);
    if (fault !== undefined) return fault;
    return this.poisoned(request) ?? this.#circuitOpen(request);
  }

  /** Why it must not run, for what others like it have done; undefined when it may. */
  poisoned(request: Request): SnakepitError | undefined {
    const { name, options, failures, poison } = this.#of;
    const deaths = poison.verdict(request);
    if (deaths === undefined) return undefined;
    const message = `'${request.command}' with these very arguments has killed ${deaths} workers and is refused for up to ${options.poisonForMs} ms (poisonAfter, poisonForMs): mend the command, then \`snakepit recycle --pool ${name} --unquarantine\`.`;
    // Idempotent or not: whoever repeats it now is refused again.
    return failures.ofRequest(request, 'poison_request', message, { retryable: false });
  }

  /** Why no worker will come for it, or undefined while one may. */
  unserved(request: Request): SnakepitError | undefined {
    const { name, failures, options, supervisor } = this.#of;
    // Told by what it ends in, not by its last failure. Looked up only once it was seen: that walks the slots.
    const loop = this.looping ? supervisor.crashLoop : undefined;
    this.looping = loop !== undefined;
    if (loop !== undefined) {
      const retryAfterMs = Math.max(0, loop.until - monotonic());
      const message = `The workers of pool '${name}' fail as fast as they start (crashLoopAfter ${options.crashLoopAfter}); the next try is in ${Math.ceil(retryAfterMs / 1000)} s. ${loop.why}`;
      const { startError } = this;
      return failures.ofRequest(request, 'crash_loop', message, {
        retryAfterMs,
        ...(startError !== undefined && { context: causeOf(startError) }),
      });
    }
    if (this.startError === undefined) return undefined;
    const { message } = this.startError;
    const retryAfterMs = options.maxRestartDelayMs;
    return failures.ofRequest(request, 'worker_start_failed', message, {
      context: causeOf(this.startError),
      retryAfterMs,
    });
  }

  /** The error for what could not be encoded. */
  unsendable(request: Request, error: unknown): SnakepitError {
    const { failures } = this.#of;
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof PayloadTooLarge) return failures.ofRequest(request, 'payload_too_large', why);
    const path = error instanceof UnserializableValue ? error.path : '$';
    const message = `The arguments of '${request.command}' cannot be sent: ${why}.`;
    return failures.ofRequest(request, 'unserializable', message, {
      cause: error,
      context: { path, path_in: 'arguments' },
    });
  }

  #prepare(request: Request): SnakepitError | undefined {
    try {
      const { value, tagged } = prepare(request.rawArgs);
      request.args = value;
      request.tagged = tagged;
      return undefined;
    } catch (error) {
      return this.unsendable(request, error);
    }
  }

  #circuitOpen(request: Request): SnakepitError | undefined {
    const { breaker, name, failures } = this.#of;
    const retryAfterMs = breaker?.refuses(request, monotonic());
    if (retryAfterMs === undefined) return undefined;
    const message = `Requests of pool '${name}' mostly fail with its workers; its circuit breaker refuses them for now (circuitBreaker).`;
    return failures.ofRequest(request, 'circuit_open', message, { retryAfterMs });
  }
}

/** What is known of the failed start, without what is the request's own. */
const causeOf = ({ context }: SnakepitError) => {
  const { python_traceback, exception, exit, system_context } = context;
  return {
    ...(python_traceback !== undefined && { python_traceback }),
    ...(exception !== undefined && { exception, error_message: context.error_message }),
    ...(exit !== undefined && { exit }),
    ...(system_context !== undefined && { system_context }),
  };
};
