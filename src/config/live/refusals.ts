import { SnakepitError } from '../../errors/index.ts';

/** A change of keys that need a restart. Nothing of it was applied. */
export class RestartOnlyError extends SnakepitError {
  /** The keys. */
  readonly keys: readonly string[];

  constructor(keys: readonly string[]) {
    const [what, they] = keys.length === 1 ? ['needs', 'it'] : ['need', 'them'];
    super(
      'invalid_configuration',
      `${keys.join(', ')} ${what} a restart, so nothing was changed. Change ${they} in the configuration file and restart, or leave ${they} out.`,
    );
    this.keys = keys;
  }
}

/** The configuration is not the one that was meant to be changed. Nothing was applied. */
export class VersionConflictError extends SnakepitError {
  /** The version it has. */
  readonly version: number;

  constructor(version: number) {
    super(
      'invalid_configuration',
      `The configuration has been changed meanwhile and is at version ${version}, so nothing was changed. Read it again, and repeat the change where it still fits.`,
    );
    this.version = version;
  }
}
