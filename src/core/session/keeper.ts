import type { ResolvedPool } from '../../config/index.ts';
import type { ErrorCode, SnakepitError } from '../../errors/index.ts';
import { type EventBus, monotonic } from '../../events/index.ts';
import { prepare } from '../../transport/index.ts';
import type { Request } from '../request.ts';
import type { Worker } from '../worker.ts';
import { Affinity, type BrokenReason, type State } from './affinity.ts';
import type { SessionUse } from './session.ts';
import type { Sessions } from './sessions.ts';
import { type Opened, StoreUnavailable, type Written } from './store.ts';

/** The command under which the runtime in a worker takes the snapshot of a session. */
const SNAPSHOT = 'snakepit.snapshot';

/** What a request with a session needs of its pool. */
export interface KeeperInit {
  readonly poolName: string;
  readonly options: ResolvedPool;
  readonly sessions: Sessions;
  /** Sessions whose worker is remembered at most. */
  readonly maxSessions: () => number;
  readonly bus: EventBus;
  readonly parked: { count: number };
  /** Makes the error of a request. */
  readonly error: (request: Request, code: ErrorCode, message: string, retryable?: boolean) => SnakepitError;
  /** Ends a request. */
  readonly settle: (request: Request, error: SnakepitError | undefined, result?: unknown) => void;
  /** Hands a request to one worker, or to any. */
  readonly assign: (worker: Worker, request: Request) => void;
  readonly dispatch: (request: Request) => void;
  /** Why a request cannot be run any more; undefined while it can. */
  readonly refusal: (request: Request) => SnakepitError | undefined;
}

type WithSession = Request & { readonly session: SessionUse };

/** Whether a request belongs to a session. */
export const hasSession = (request: Request): request is WithSession => request.session !== undefined;

/** What sessions add to the requests of one pool: which worker they go to, what is read before and written after. */
export class Keeper {
  readonly affinity: Affinity;
  readonly #init: KeeperInit;

  constructor(init: KeeperInit) {
    this.#init = init;
    const { poolName, options, bus, parked, sessions } = init;
    this.affinity = new Affinity({
      poolName,
      bus,
      parked,
      mode: () => options.affinity,
      max: init.maxSessions,
    });
    sessions.onEnd((id) => this.affinity.forget(id));
  }

  /** Reads the session, where that takes a while, and then brings the request on its way. */
  submit(request: WithSession): void {
    const { sessions, poolName } = this.#init;
    sessions.start();
    if (sessions.store.immediate) this.#route(request);
    else
      (sessions.open(request, poolName) as Promise<Opened>).then(
        (opened) => {
          if (request.phase === 'settled') return;
          const refusal = this.#refusal(request, opened) ?? this.#init.refusal(request);
          if (refusal === undefined) this.#route(request);
          else this.#init.settle(request, refusal);
        },
        (error: unknown) => this.#init.settle(request, this.#unavailable(request, error, true)),
      );
  }

  /** Brings a request to where it may run, without reading its session again. */
  #route(request: WithSession): void {
    const { assign, dispatch, settle, poolName } = this.#init;
    const course = this.affinity.course(request.session.id);
    switch (course.kind) {
      case 'any':
        return dispatch(request);
      case 'worker':
        return assign(course.worker, request);
      case 'wait':
        return this.affinity.wait(course.worker, request);
      case 'busy': {
        const message = `Worker ${course.workerId}, which has the session, is busy (affinity strict_fail_fast): try again, or let requests wait with strict_queue.`;
        return settle(request, this.#init.error(request, 'worker_busy', message, true));
      }
      default: {
        const message = `Worker ${course.workerId} of pool '${poolName}', which had the session, is gone, and what it held of it in memory. The next request of the session begins on another worker with the data of the store.`;
        return settle(request, this.#init.error(request, 'session_worker_unavailable', message, true));
      }
    }
  }

  /**
   * A worker is about to get a request.
   *
   * @returns false when it does not get it: the request was settled, or went another way
   */
  sending(worker: Worker, request: WithSession): boolean {
    const { sessions, settle, poolName } = this.#init;
    if (!this.affinity.admits(worker, request.session.id)) {
      this.#route(request);
      return false;
    }
    if (sessions.store.immediate) {
      const refusal = this.#refusal(request, sessions.open(request, poolName) as Opened);
      if (refusal !== undefined) {
        settle(request, refusal);
        return false;
      }
    }
    request.session.restore = this.affinity.taken(worker, request);
    return true;
  }

  /** A request has its result: what it changed of its session is kept first, then it is settled. */
  answered(request: WithSession, result: unknown, data: unknown): void {
    let written: Written | Promise<Written>;
    try {
      written = this.#init.sessions.write(request, data, this.#init.poolName);
    } catch (error) {
      this.#init.settle(request, this.#unavailable(request, error, false));
      return;
    }
    if (!(written instanceof Promise)) this.#kept(request, result, written);
    else {
      request.phase = 'keeping';
      written.then(
        (outcome) => this.#kept(request, result, outcome),
        (error: unknown) => this.#init.settle(request, this.#unavailable(request, error, false)),
      );
    }
  }

  #kept(request: WithSession, result: unknown, outcome: Written): void {
    if (outcome === 'written') {
      this.#init.settle(request, undefined, result);
      return;
    }
    const what = outcome === 'gone' ? 'was deleted or has expired' : 'was changed by another request';
    const message = `Session '${request.session.id}' ${what} while '${request.command}' ran; its own change is not kept. Run it again, or send the requests of a session one after the other.`;
    this.#init.settle(request, this.#init.error(request, 'session_conflict', message));
  }

  /** Takes back requests that no worker has begun. Those without a session are returned. */
  takeBack(requests: readonly Request[]): readonly Request[] {
    // Most never see one: then nothing is copied.
    if (!requests.some(hasSession)) return requests;
    for (const request of requests.filter(hasSession)) {
      request.phase = 'queued';
      request.worker = undefined;
      this.#route(request);
    }
    return requests.filter((request) => !hasSession(request));
  }

  /** What a worker that is to end has of sessions goes to the next one, where the app can hand it over. */
  parting(worker: Worker): Promise<void> | undefined {
    const ids = this.affinity.of(worker);
    if (ids.length === 0) return undefined;
    if (!worker.takesSnapshots) {
      this.#again(this.affinity.ended(worker, 'recycled'));
      return undefined;
    }
    return this.#snapshots(worker, ids).then((states) => {
      // They go on before the old worker has run its on_stop.
      this.#again(this.affinity.ended(worker, 'recycled', states));
    });
  }

  /** A worker is gone. */
  died(worker: Worker, reason: BrokenReason): void {
    this.#again(this.affinity.ended(worker, reason));
  }

  #again(requests: readonly Request[]): void {
    for (const request of requests)
      if (hasSession(request) && request.phase !== 'settled') this.#route(request);
  }

  async #snapshots(worker: Worker, ids: readonly string[]): Promise<Map<string, State>> {
    const states = new Map<string, State>();
    const until = monotonic() + this.#init.options.termTimeoutMs / 2;
    for (const id of ids) {
      const leftMs = until - monotonic();
      if (leftMs <= 0) break;
      const state = await worker.run(SNAPSHOT, { session_id: id }, leftMs);
      if (state !== undefined && state !== null) states.set(id, prepare(state));
    }
    return states;
  }

  #refusal(request: WithSession, opened: Opened): SnakepitError | undefined {
    const { error, sessions } = this.#init;
    const { id } = request.session;
    switch (opened.kind) {
      case 'opened':
        return undefined;
      case 'missing':
        return error(
          request,
          'session_not_found',
          `There is no session '${id}', and create is false: it was never made, was deleted, or has expired after ${sessions.ttlMs} ms without use (sessions.ttlMs).`,
          false,
        );
      default:
        return error(
          request,
          'session_store_unavailable',
          `There is no room for session '${id}': ${sessions.state.capacity} are kept (sessions.maxSessions) and none gives way (sessions.evict: 'none').`,
          true,
        );
    }
  }

  #unavailable(request: Request, error: unknown, unbegun: boolean): SnakepitError {
    const why =
      error instanceof StoreUnavailable ? error.message : `The session store failed: ${String(error)}`;
    const what = unbegun
      ? 'The request was not begun.'
      : `'${request.command}' has run, but whether its change of the session was kept is not known.`;
    return this.#init.error(request, 'session_store_unavailable', `${why}. ${what}`, unbegun);
  }
}
