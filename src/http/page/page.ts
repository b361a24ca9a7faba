import type { Snapshot, WorkerSnapshot } from '../../events/index.ts';
import { Refusal } from '../problem.ts';
import { Broadcast, type Draft } from './broadcast.ts';
import type { HistoryAnswer, NowFrame, WorkerAnswer, WorkersFrame } from './frames.ts';
import { Now } from './now.ts';
import { rowsInShort, workerRows } from './rows.ts';
import type { PageSources } from './sources.ts';

const MAX_VIEWERS = 100;
const MAX_EVENTS = 200;

/** What the live page is told. One for an instance, wherever it is served, so that frames are made once. */
export class Page {
  readonly broadcast: Broadcast;
  readonly sources: PageSources;
  readonly #now: Now;

  constructor(sources: PageSources) {
    this.sources = sources;
    this.#now = new Now(sources);
    const { config, sanitizer, maxViewers = MAX_VIEWERS } = sources;
    const { canary } = sanitizer;
    this.broadcast = new Broadcast({
      mark: config.instance,
      maxViewers,
      producers: {
        now: () => nowDraft(this.now()),
        workers: () => this.#workersDraft(),
        slice: () => this.#sliceDraft(),
      },
      ...(canary !== undefined && { inspect: (text) => canary.inspect('page', text) }),
    });
  }

  get instance(): string {
    return this.sources.config.instance;
  }

  now(): NowFrame {
    const snapshot = this.#snapshot();
    return this.#now.make(snapshot, this.sources.history.recent(snapshot));
  }

  workers(): WorkersFrame {
    const snapshot = this.#snapshot();
    const pools = workerRows(snapshot, this.sources.history.recent(snapshot));
    return { at: Math.round(snapshot.timestamp), pools };
  }

  /** @throws Refusal `bad_request` naming what there is */
  history(pool: string | undefined, command: string | undefined): HistoryAnswer {
    return { instance: this.instance, ...this.sources.history.read({ pool, command }) };
  }

  /** Everything about a worker and the slot it fills, or has filled. @throws Refusal `not_found` */
  worker(id: string): WorkerAnswer {
    const { history, events, sanitizer } = this.sources;
    const snapshot = this.#snapshot();
    const present = find(snapshot, id);
    const place = present?.place ?? history.placeOf(id);
    if (place === undefined) throw isUnknown(id);
    const rows = workerRows(snapshot, history.recent(snapshot))[place.pool] ?? [];
    return {
      worker: rows.find(({ worker_id }) => worker_id === id) ?? null,
      pool: place.pool,
      worker_slot: place.slot,
      worker_id: id,
      readings: history.readings(place),
      // Certificates have what Python wrote in them.
      lives: sanitizer.document(
        withPresent(history.lives(place), present?.worker, snapshot),
      ) as WorkerAnswer['lives'],
      events: events?.recent(({ metadata }) => metadata.worker_id === id, MAX_EVENTS) ?? [],
    };
  }

  /** Sends all who look their last words. */
  end(): void {
    this.broadcast.end();
  }

  #snapshot(): Snapshot {
    return this.sources.control.snapshot();
  }

  #workersDraft(): Draft {
    const frame = this.workers();
    return { short: rowsInShort(frame.pools), json: () => JSON.stringify(frame) };
  }

  #sliceDraft(): Draft | undefined {
    const { history } = this.sources;
    const at = history.completedAt;
    if (at === undefined) return undefined;
    return { short: String(at), json: () => JSON.stringify(history.completed()) };
  }
}

/** Time goes on, and so do readings of the process; that alone is no news. Written once, what is news first set apart. */
const nowDraft = ({ at, uptime_ms, system, ...news }: NowFrame): Draft => {
  const short = JSON.stringify(news);
  return { short, json: () => `${JSON.stringify({ at, uptime_ms, system }).slice(0, -1)},${short.slice(1)}` };
};

const find = (snapshot: Snapshot, id: string) => {
  for (const { name, workers, extra_workers } of Object.values(snapshot.pools)) {
    const worker = [...workers, ...extra_workers].find((row) => row.id === id);
    if (worker !== undefined) return { worker, place: { pool: name, slot: worker.slot } };
  }
  return undefined;
};

/** The one that lives has counted on; and where its start was not seen, since events are off, it is there all the same. */
const withPresent = (
  lives: WorkerAnswer['lives'],
  present: WorkerSnapshot | undefined,
  { timestamp }: Snapshot,
): WorkerAnswer['lives'] => {
  if (present === undefined || present.id === null) return lives;
  const { id, requests, uptime_ms } = present;
  const known = lives.find(({ worker_id }) => worker_id === id);
  const life = known ?? {
    ...{ worker_id: id, started_at: Math.round(timestamp - uptime_ms) },
    ...{ ended_at: null, reason: null, exit: null },
  };
  return [{ ...life, requests }, ...lives.filter((other) => other !== known)].toSorted(
    (a, b) => b.started_at - a.started_at,
  );
};

const isUnknown = (id: string): Refusal =>
  new Refusal(
    'not_found',
    `There is no worker '${id.slice(0, 100)}', nor is one of that id remembered: only the last ten of each slot are. See /health/workers.`,
    { members: { title: 'No such worker is known.' } },
  );
