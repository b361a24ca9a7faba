import { SnakepitError } from '../../errors/index.ts';
import { type Origins, originKey } from '../origins.ts';
import { resolveOptions } from '../resolve.ts';
import type { ResolvedOptions } from '../schema.ts';
import { formatPath, isLive } from './keys.ts';
import { mergePatch } from './merge-patch.ts';
import { RestartOnlyError, VersionConflictError } from './refusals.ts';
import { type ShownChange, shownChange, shownConfig } from './shown.ts';
import { copyTree, type Difference, differences, isTree, leaves, valueAt, withValue } from './trees.ts';

/** Who changed the configuration: code, a request to the ops server, `snakepit config`, or SIGHUP. */
export type ConfigChanger = 'code' | 'http' | 'cli' | 'sighup';

/** Options as they were written: not validated, without defaults. What `loadConfig` gives is one. */
export interface ConfigSource {
  readonly options: Readonly<Record<string, unknown>>;
  /** The file they came from; undefined for options given in code. */
  readonly file?: string | undefined;
  /** Which values came from flags or the environment. */
  readonly origins?: Origins;
}

/** What came of a change. */
export interface ConfigOutcome {
  /** Keys that changed and are in force now. */
  readonly applied: readonly string[];
  /** Keys whose value in the file waits for a restart. */
  readonly restart_required: readonly string[];
  /** Of the configuration in force. 1 at the start; rises by one with every change. */
  readonly version: number;
  /** What changed, sanitized. */
  readonly changes: readonly ShownChange[];
}

/** A change that was made. */
export interface ConfigChange extends ConfigOutcome {
  readonly who: ConfigChanger;
  readonly next: ResolvedOptions;
  readonly previous: ResolvedOptions;
}

/** How a patch is to be applied. */
export interface ApplySettings {
  /** Only if the configuration has this version. */
  readonly ifVersion?: number | undefined;
  /** Says what would come of it, and changes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** A difference between the configuration in force and what file, environment and flags say. */
export interface Drift extends ShownChange {
  /** True: a live change, gone after a restart. False: it waits for a restart. */
  readonly live: boolean;
}

/** Deeper than any option lies. A patch may come from afar. */
const MAX_DEPTH = 16;

/**
 * The configuration in force: what was configured, and what was changed since. Knows nothing of who uses it; they subscribe.
 *
 * A change is validated as a whole, before any of it is applied; one that needs a restart is refused as a whole.
 */
export class LiveConfig {
  readonly #onFault: (error: unknown) => void;
  readonly #subscribers = new Set<(change: ConfigChange) => void>();
  #base: ConfigSource;
  #baseResolved: ResolvedOptions;
  /** The options in force as they would be written. */
  #raw: Readonly<Record<string, unknown>>;
  #current: ResolvedOptions;
  #version = 1;

  /**
   * @param onFault - told of what a subscriber throws
   * @throws SnakepitError `invalid_configuration`
   */
  constructor(source: ConfigSource, onFault: (error: unknown) => void = () => {}) {
    this.#onFault = onFault;
    this.#base = { ...source, options: copyTree(source.options) };
    this.#baseResolved = resolveOptions(this.#base.options, source.file, source.origins);
    this.#raw = this.#base.options;
    this.#current = this.#baseResolved;
  }

  /** The options in force. Reading only. */
  get current(): ResolvedOptions {
    return this.#current;
  }

  /** 1 at the start; rises by one with every change. */
  get version(): number {
    return this.#version;
  }

  /** Has a function called after every change, once it is validated. It must not throw; one that does stops no other. */
  subscribe(subscriber: (change: ConfigChange) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * Applies a JSON merge patch (RFC 7396) to the whole configuration; `null` puts a key back to its default.
   *
   * @throws RestartOnlyError, VersionConflictError, SnakepitError `invalid_configuration`; nothing is changed then
   */
  apply(
    patch: unknown,
    who: ConfigChanger,
    { ifVersion, dryRun = false }: ApplySettings = {},
  ): ConfigOutcome {
    if (ifVersion !== undefined && ifVersion !== this.#version) throw new VersionConflictError(this.#version);
    checkPatch(patch);
    const raw = this.#withDefaults(copyTree(mergePatch(this.#raw, patch)));
    const next = resolveOptions(raw);
    const found = [...differences(this.#current, next)];
    const barred = found.filter(({ path }) => !this.#mayChange(path));
    if (barred.length > 0) throw new RestartOnlyError(barred.map(({ path }) => formatPath(path)));
    if (dryRun) return this.#outcome(found);
    return this.#become(raw, next, found, who);
  }

  /**
   * Takes over what file, environment and flags say now. Live keys are applied, and live changes made since are gone; keys that need a
   * restart stay as they are, and are told.
   *
   * @throws SnakepitError `invalid_configuration`; nothing is changed then
   */
  reload(source: ConfigSource, who: ConfigChanger): ConfigOutcome {
    const base = { ...source, options: copyTree(source.options) };
    const wanted = resolveOptions(base.options, base.file, base.origins);
    let raw: unknown = base.options;
    for (const { path } of differences(this.#current, wanted))
      if (!isLive(path)) raw = withValue(raw, path, copyTree(valueAt(this.#raw, path)));
    const next = resolveOptions(raw as Record<string, unknown>, base.file, base.origins);
    const found = [...differences(this.#current, next)];
    this.#base = base;
    this.#baseResolved = wanted;
    return this.#become(raw as Record<string, unknown>, next, found, who);
  }

  /** How the configuration in force differs from what file, environment and flags said last. */
  drift(): Drift[] {
    return this.#drift().map((each) => ({ ...shownChange(each), live: isLive(each.path) }));
  }

  /** The configuration in force, sanitized. */
  shown(): Record<string, unknown> {
    return shownConfig(this.#current);
  }

  /** The keys of the configuration in force that can change live. */
  liveKeys(): string[] {
    return [...leaves(this.#current)].filter(({ path }) => isLive(path)).map(({ path }) => formatPath(path));
  }

  /** Where the values of the configuration in force come from, by key: `live`, a flag or variable, the file, `code`. Not listed: defaults. */
  origins(): Record<string, string> {
    const { options, file, origins } = this.#base;
    const changed = new Set(this.#drift().map(({ path }) => formatPath(path)));
    const found = [...leaves(this.#current)].flatMap(({ path }) => {
      const key = formatPath(path);
      if (changed.has(key) && isLive(path)) return [[key, 'live'] as const];
      const named = origins?.get(originKey(path));
      if (named !== undefined) return named === 'default' ? [] : [[key, named] as const];
      return valueAt(options, path) === undefined ? [] : [[key, file ?? 'code'] as const];
    });
    return Object.fromEntries(found);
  }

  /** What was taken out falls back to the default of the command (`serve` has some of its own), not to that of the library. */
  #withDefaults(raw: unknown): Record<string, unknown> {
    const { options, origins = new Map<string, string>() } = this.#base;
    let whole = raw;
    for (const [key, origin] of origins) {
      const path = key.split('.');
      const group = valueAt(raw, path.slice(0, -1));
      if (origin !== 'default' || valueAt(raw, path) !== undefined) continue;
      if (group === undefined || isTree(group)) whole = withValue(whole, path, valueAt(options, path));
    }
    return whole as Record<string, unknown>;
  }

  /** The number of remote workers is that of their addresses, and no other can be asked for. */
  #mayChange(path: readonly string[]): boolean {
    const [section, pool, key] = path;
    const isRemote = section === 'pools' && this.#current.pools[pool as string]?.remote !== undefined;
    return isLive(path) && !(isRemote && key === 'workers');
  }

  #drift(): Difference[] {
    return [...differences(this.#baseResolved, this.#current)];
  }

  #become(
    raw: Record<string, unknown>,
    next: ResolvedOptions,
    found: readonly Difference[],
    who: ConfigChanger,
  ): ConfigOutcome {
    const previous = this.#current;
    this.#raw = raw;
    if (found.length === 0) return this.#outcome(found);
    this.#current = next;
    this.#version++;
    const change: ConfigChange = { ...this.#outcome(found), who, next, previous };
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(change);
      } catch (error) {
        this.#onFault(error);
      }
    }
    const { next: _, previous: __, who: ___, ...outcome } = change;
    return outcome;
  }

  #outcome(found: readonly Difference[]): ConfigOutcome {
    return {
      applied: found.map(({ path }) => formatPath(path)),
      restart_required: this.#drift()
        .filter(({ path }) => !isLive(path))
        .map(({ path }) => formatPath(path)),
      version: this.#version,
      changes: found.map(shownChange),
    };
  }
}

const checkPatch = (patch: unknown, depth = 0): void => {
  if (depth === 0 && !isTree(patch)) {
    const got = Array.isArray(patch) ? 'a list' : patch === null ? 'null' : typeof patch;
    throw new SnakepitError(
      'invalid_configuration',
      `The patch: got ${got}; allowed: an object with the keys to change, as in { "logs": { "level": "debug" } }.`,
    );
  }
  if (!isTree(patch)) return;
  if (depth > MAX_DEPTH)
    throw new SnakepitError(
      'invalid_configuration',
      `The patch goes deeper than ${MAX_DEPTH} levels; no option lies there.`,
    );
  for (const [key, value] of Object.entries(patch)) {
    // A record would take it as a name, and whoever reads that record by it would get a prototype.
    if (key === '__proto__')
      throw new SnakepitError(
        'invalid_configuration',
        "The patch has a key '__proto__', which is not an option.",
      );
    checkPatch(value, depth + 1);
  }
};
