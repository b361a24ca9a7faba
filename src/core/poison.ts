import { createHash } from 'node:crypto';
import type { ResolvedPool } from '../config/index.ts';
import { epochOf, monotonic, type QuarantinedRequest } from '../events/index.ts';
import { codecs } from '../transport/index.ts';
import type { Request } from './request.ts';

/** Suspects beyond this many push out the oldest: what kills workers is seldom many things at once. */
const MAX_SUSPECTS = 1000;

interface Suspect {
  readonly command: string;
  readonly args_hash: string;
  deaths: number;
  /** Monotonic; 0 while it is not quarantined. */
  until: number;
}

/**
 * Recognises requests that kill workers: the same command with the same arguments, whoever sends it. Nothing is hashed while no worker has
 * died, and after that only requests of the commands under suspicion.
 */
export class Poison {
  readonly #options: Pick<ResolvedPool, 'poisonAfter' | 'poisonForMs'>;
  readonly #suspects = new Map<string, Suspect>();
  /** Suspects of each command. */
  readonly #commands = new Map<string, number>();

  constructor(options: Pick<ResolvedPool, 'poisonAfter' | 'poisonForMs'>) {
    this.#options = options;
  }

  /** Notes that a worker died with these requests running. */
  died(requests: readonly Request[]): void {
    if (this.#options.poisonAfter === 0) return;
    for (const request of requests) {
      const key = keyOf(request);
      const suspect = this.#suspects.get(key) ?? this.#suspect(key, request.command);
      suspect.deaths++;
      if (suspect.deaths >= this.#options.poisonAfter)
        suspect.until = monotonic() + this.#options.poisonForMs;
    }
  }

  /** Notes that a request was answered: what merely ran beside the culprit is cleared by that. */
  survived(request: Request): void {
    if (!this.#commands.has(request.command)) return;
    const key = keyOf(request);
    if (this.#suspects.get(key)?.until === 0) this.#forget(key);
  }

  /** How many workers a request has killed, when that is why it must not run now. */
  verdict(request: Request): number | undefined {
    if (!this.#commands.has(request.command)) return undefined;
    const key = keyOf(request);
    const suspect = this.#suspects.get(key);
    if (suspect === undefined || suspect.until === 0) return undefined;
    if (suspect.until > monotonic()) return suspect.deaths;
    this.#forget(key);
    return undefined;
  }

  /** Those that are refused now. */
  get quarantined(): QuarantinedRequest[] {
    const now = monotonic();
    return [...this.#suspects.values()]
      .filter(({ until }) => until > now)
      .map(({ until, ...suspect }) => ({ ...suspect, until: epochOf(until) }));
  }

  /** Lets all of them through again; returns how many were refused. */
  clear(): number {
    const { length } = this.quarantined;
    this.#suspects.clear();
    this.#commands.clear();
    return length;
  }

  #suspect(key: string, command: string): Suspect {
    const oldest = this.#suspects.keys().next();
    if (this.#suspects.size >= MAX_SUSPECTS && !oldest.done) this.#forget(oldest.value);
    const suspect: Suspect = { command, args_hash: key.slice(-HASH_DIGITS), deaths: 0, until: 0 };
    this.#suspects.set(key, suspect);
    this.#commands.set(command, (this.#commands.get(command) ?? 0) + 1);
    return suspect;
  }

  #forget(key: string): void {
    const suspect = this.#suspects.get(key);
    if (suspect === undefined) return;
    this.#suspects.delete(key);
    const left = (this.#commands.get(suspect.command) ?? 1) - 1;
    if (left === 0) this.#commands.delete(suspect.command);
    else this.#commands.set(suspect.command, left);
  }
}

const HASH_DIGITS = 16;

const keyOf = ({ command, args, tagged }: Request): string => {
  const hash = createHash('sha256')
    .update(codecs.json.encode([args], tagged))
    .digest('hex');
  return `${command} ${hash.slice(0, HASH_DIGITS)}`;
};
