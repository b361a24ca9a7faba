import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ResolvedOptions } from './config/index.ts';
import {
  type ApplySettings,
  adopt,
  type ConfigChange,
  type ConfigChanger,
  type ConfigOutcome,
  type ConfigSource,
  copyTree,
  type Drift,
  LiveConfig,
} from './config/index.ts';
import type { Pool } from './core/index.ts';
import { type EventBus, now } from './events/index.ts';
import type { Observers } from './observers.ts';

/** Whom a change of the configuration reaches. */
export interface Reached {
  /** The options everything was made with. They are changed in place, so who reads an option at each use needs nothing more. */
  readonly options: ResolvedOptions;
  readonly bus: EventBus;
  readonly pools: ReadonlyMap<string, Pool>;
  /** Undefined before they are there. */
  readonly observers: () => Observers | undefined;
}

/** The configuration as `GET /api/config` answers it. Wire spelling, since it is answered as it is. */
export interface ConfigView {
  readonly version: number;
  /** The file it comes from. */
  readonly file: string | null;
  /** The configuration in force, defaults included, sanitized. */
  readonly config: Readonly<Record<string, unknown>>;
  /** How it differs from what the file, the environment and the flags say. */
  readonly drift: readonly Drift[];
  /** Keys whose value in the file waits for a restart. */
  readonly restart_required: readonly string[];
  /** Keys that can change live. */
  readonly live: readonly string[];
  /** Where values come from, by key: `live`, a flag or variable, the file, `code`. Defaults are not listed. */
  readonly origins: Readonly<Record<string, string>>;
  readonly last_reload: LastReload;
}

/** How the configuration was read last, at the start or since. */
export interface LastReload {
  readonly successful: boolean;
  /** When it succeeded last, epoch milliseconds. */
  readonly success_at: number;
}

/** Live changes of one instance: who may ask for them, and whom they reach. */
export class Live {
  /** Tells the versions of this instance from those of others. */
  readonly instance = randomBytes(4).toString('hex');
  readonly #reached: Reached;
  readonly #config: LiveConfig;
  #file: string | undefined;
  #lastReload: LastReload = { successful: true, success_at: now() };

  /** @throws SnakepitError `invalid_configuration` */
  constructor(source: ConfigSource, reached: Reached) {
    this.#reached = reached;
    this.#file = source.file;
    this.#config = new LiveConfig(source, (error) => this.#fault(error));
    this.#config.subscribe((change) => this.#reach(change));
  }

  get version(): number {
    return this.#config.version;
  }

  get lastReload(): LastReload {
    return this.#lastReload;
  }

  /** See {@link LiveConfig.apply}. */
  apply(patch: unknown, who: ConfigChanger, settings?: ApplySettings): ConfigOutcome {
    return this.#config.apply(patch, who, settings);
  }

  /**
   * Reads the configuration anew and takes over what can change live. Never throws: a configuration that cannot be used changes nothing,
   * and is logged.
   *
   * @param read - undefined where there is nothing to read anew
   */
  async reload(read: () => Promise<ConfigSource>, who: ConfigChanger): Promise<void> {
    try {
      const source = await read();
      const outcome = this.#config.reload(source, who);
      this.#file = source.file;
      this.#lastReload = { successful: true, success_at: now() };
      this.#tell(outcome);
    } catch (error) {
      this.#lastReload = { ...this.#lastReload, successful: false };
      this.#logger?.error(
        `The configuration was read again and cannot be used, so nothing was changed. ${(error as Error).message}`,
        { event: 'snakepit.config.reload_failed' },
      );
    }
  }

  /** How the configuration in force differs from what file, environment and flags, or code, said. */
  drift(): readonly Drift[] {
    return this.#config.drift();
  }

  /** Everything about the configuration in force, sanitized. */
  view(): ConfigView {
    const drift = this.#config.drift();
    return {
      version: this.#config.version,
      file: this.#file ?? null,
      config: this.#config.shown(),
      drift,
      restart_required: drift.filter(({ live }) => !live).map(({ path }) => path),
      live: this.#config.liveKeys(),
      origins: this.#config.origins(),
      last_reload: this.#lastReload,
    };
  }

  get #logger() {
    return this.#reached.observers()?.logging.logger;
  }

  #tell({ applied, restart_required, version }: ConfigOutcome): void {
    if (applied.length === 0) {
      this.#logger?.info('The configuration was read again; nothing that can change live has changed', {
        event: 'snakepit.config.reloaded',
        version,
      });
    }
    if (restart_required.length > 0) {
      this.#logger?.warn(`Changed, but in force only after a restart: ${restart_required.join(', ')}`, {
        event: 'snakepit.config.restart_required',
        restart_required,
      });
    }
  }

  #fault(error: unknown): void {
    this.#logger?.error('A change of the configuration did not reach everything; this is a bug.', {
      event: 'snakepit.config.not_applied',
      err: error,
    });
  }

  /** Hands a change to everything it concerns. What fails for one does not keep it from the others. */
  #reach({ next, previous, who, applied, restart_required, version, changes }: ConfigChange): void {
    const { options, bus, pools, observers } = this.#reached;
    const before = copyTree(options.pools);
    adopt(options, next);
    const steps = [
      () => applyLogs(observers(), next, previous),
      () => applyHealth(observers(), options),
      () => applyObservability(bus, next, previous),
      ...[...pools].map(([name, pool]) => () => {
        const old = before[name];
        if (old !== undefined) pool.reconfigured(old);
      }),
      () =>
        bus
          .event('snakepit.observability.config_changed')
          .emit({ version }, { who, applied, restart_required, changes }),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        this.#fault(error);
      }
    }
  }
}

const applyLogs = (observers: Observers | undefined, next: ResolvedOptions, previous: ResolvedOptions) => {
  if (next.logs !== false && previous.logs !== false && !isDeepStrictEqual(next.logs, previous.logs))
    observers?.logging.configure(next.logs);
};

const applyHealth = (observers: Observers | undefined, { health }: ResolvedOptions) => {
  if (health !== false) observers?.health.configure(health);
};

const applyObservability = (bus: EventBus, next: ResolvedOptions, previous: ResolvedOptions) => {
  if (next.observability === false || isDeepStrictEqual(next.observability, previous.observability)) return;
  bus.configure(next.observability);
};
