import type { SnakepitEvent } from '../../events/index.ts';
import type { Marker, MarkerKind } from './types.ts';

const KEPT = 200;
const MAX_TEXT = 500;
const MAX_KEYS = 5;

/** Masks secrets in a text. */
export interface TextSanitizer {
  text(text: string): string;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const list = (value: unknown): string => {
  const keys = Array.isArray(value) ? value.map(String) : [];
  const more = keys.length > MAX_KEYS ? ` and ${keys.length - MAX_KEYS} more` : '';
  return keys.slice(0, MAX_KEYS).join(', ') + more;
};

interface Told {
  readonly kind: MarkerKind;
  readonly level: Marker['level'];
  text(event: SnakepitEvent): string;
}

const levelOf = { ok: 'info', warning: 'warning', error: 'error' } as const;

/** What becomes a marker. All of these are rare. */
const told: Readonly<Record<string, Told>> = {
  'snakepit.worker.crashed': {
    kind: 'crash',
    level: 'error',
    text: ({ metadata }) => textOf(metadata.message) || 'A worker crashed.',
  },
  'snakepit.worker.restarted': {
    kind: 'restart',
    level: 'info',
    text: ({ metadata }) => `Worker ${metadata.worker_id} replaces a dead one.`,
  },
  'snakepit.worker.recycled': {
    kind: 'recycle',
    level: 'info',
    text: ({ metadata }) => `Worker ${metadata.worker_id} was replaced on purpose: ${metadata.reason}.`,
  },
  'snakepit.observability.config_changed': {
    kind: 'config',
    level: 'info',
    text: ({ measurements, metadata }) =>
      `The configuration was changed (version ${measurements.version}): ${list(metadata.applied) || 'nothing that is in force'}.`,
  },
  'snakepit.health.status_changed': {
    kind: 'status',
    level: 'info',
    text: ({ metadata }) => `Health went from ${metadata.from} to ${metadata.to}: ${textOf(metadata.why)}`,
  },
  'snakepit.pool.draining': {
    kind: 'drain',
    level: 'warning',
    text: ({ metadata }) => `Pool ${metadata.pool_name} takes no new requests.`,
  },
  'snakepit.pool.started': {
    kind: 'start',
    level: 'info',
    text: ({ metadata }) => `Pool ${metadata.pool_name} has its first ready worker.`,
  },
};

/** The events that markers are made of, by their exact names. */
export const markerEvents: readonly string[] = Object.keys(told);

/** The last things that happened to workers, pools and the configuration. */
export class Markers {
  readonly #safe: TextSanitizer;
  #markers: Marker[] = [];

  constructor(safe: TextSanitizer) {
    this.#safe = safe;
  }

  add(event: SnakepitEvent): void {
    const spec = Object.hasOwn(told, event.event_name) ? told[event.event_name] : undefined;
    if (spec === undefined) return;
    const { timestamp, pool_name, worker_id, worker_slot, to } = event.metadata;
    this.#markers.push({
      at: Math.round(timestamp),
      kind: spec.kind,
      ...(typeof pool_name === 'string' && { pool: pool_name }),
      ...(typeof worker_id === 'string' && { worker_id }),
      ...(typeof worker_slot === 'number' && { worker_slot }),
      text: this.#safe.text(spec.text(event).slice(0, MAX_TEXT)),
      level: spec.kind === 'status' ? (levelOf[to as keyof typeof levelOf] ?? 'info') : spec.level,
    });
    if (this.#markers.length > KEPT) this.#markers = this.#markers.slice(-KEPT);
  }

  /** Those of `[from, until)`, oldest first; of one pool those that are of no pool too. */
  between(from: number, until: number, pool?: string): Marker[] {
    return this.#markers.filter(
      (marker) =>
        marker.at >= from &&
        marker.at < until &&
        (pool === undefined || marker.pool === undefined || marker.pool === pool),
    );
  }
}
