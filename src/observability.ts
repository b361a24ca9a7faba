import type { ConfigOutcome, Drift } from './config/index.ts';
import type { ConfigView, Live } from './live.ts';

/** A change of the configuration, as a JSON merge patch (RFC 7396): what is left out stays, `null` puts back to the default. */
export interface ConfigPatch {
  readonly [key: string]: unknown;
}

/** How {@link Observability.configure} goes about it. */
export interface ConfigureOptions {
  /** Only if the configuration still has this version. Default: whatever it has. */
  readonly ifVersion?: number | undefined;
  /** Says what would come of it, and changes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** Live control of one instance. */
export class Observability {
  readonly #live: Live;

  /** @internal */
  constructor(live: Live) {
    this.#live = live;
  }

  /**
   * Changes the configuration while running. The patch has the shape of the options of `createSnakepit`; docs/configuration.md marks the
   * keys that can change live, which are not only those of observability. It is validated as a whole and applied at once, or not at
   * all; `snakepit.observability.config_changed` tells of it. Not kept across a restart.
   *
   * @returns the keys that changed, those whose value in the file waits for a restart, and the version, which rises with every change
   * @throws SnakepitError `invalid_configuration` naming every key that is wrong or needs a restart; nothing is changed then
   * @example
   * ```ts
   * pit.observability.configure({ logs: { level: 'debug' }, pools: { default: { workers: 8 } } });
   * pit.observability.configure({ logs: { level: null } });   // the default again
   * ```
   */
  configure(patch: ConfigPatch, options?: ConfigureOptions): ConfigOutcome {
    return this.#live.apply(patch, 'code', options);
  }

  /** The configuration in force, sanitized, with its version, its differences from what was configured, and the keys that can change live. */
  config(): ConfigView {
    return this.#live.view();
  }

  /** What was changed since the start. */
  drift(): readonly Drift[] {
    return this.#live.drift();
  }
}
