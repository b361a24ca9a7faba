import { describeArguments } from './arguments.ts';
import { Canary } from './canary.ts';
import type { Json, Limits } from './limits.ts';
import type { SanitizerOptions } from './options.ts';
import { Policy } from './policy.ts';
import { logLimits, type Sanitizer, sanitizerOf } from './sanitizer.ts';

/** All that one instance of Snakepit needs of its sanitizer. Made once, and handed to whatever shows something. */
export interface InstanceSanitizer extends Sanitizer {
  /** The arguments of a call as error contexts show them, see {@link describeArguments}. */
  args(args: unknown, showArgs: readonly string[]): unknown;
  /** A configuration: as {@link Sanitizer.value}, and of environment variables the names alone. */
  config(config: object): { [key: string]: Json };
  /** An error context or another deep document of ours, whose texts are bounded already. */
  document(value: unknown): Json;
  /** There when the option `canary` is on. */
  readonly canary: Canary | undefined;
}

export const configLimits: Limits = {
  depth: 10,
  entries: 500,
  text: 2000,
  values: 5000,
  characters: 262_144,
  milliseconds: 50,
};

const documentLimits: Limits = {
  depth: 10,
  entries: 500,
  text: 16_384,
  values: 10_000,
  characters: 1_048_576,
  milliseconds: 100,
};

/** The value under a name that stands for it where the value is no object. */
const asRecord = (copy: Json): { [key: string]: Json } =>
  typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? copy : { value: copy };

/** A configuration sanitizer over options. */
export const configSanitizer = (options: SanitizerOptions) => {
  const { value } = sanitizerOf(new Policy({ ...options, env: true }), configLimits);
  return (config: object): { [key: string]: Json } => asRecord(value(config));
};

/**
 * Makes the sanitizer of one instance.
 *
 * @throws TypeError if a path cannot be read
 */
export const createInstanceSanitizer = ({
  canary: seeded = false,
  ...options
}: SanitizerOptions & { readonly canary?: boolean } = {}): InstanceSanitizer => {
  const policy = new Policy(options);
  const canary = seeded ? new Canary() : undefined;
  const document = sanitizerOf(policy, documentLimits);
  return {
    ...sanitizerOf(policy, { ...logLimits, ...options.limits }),
    document: document.value,
    config: configSanitizer(options),
    args: (args, showArgs) => {
      const described = describeArguments(args, showArgs, policy);
      if (canary === undefined || typeof described !== 'object' || described === null) return described;
      const { note, password } = canary.seed().canary;
      const seeds = { canary: note, canary_password: password };
      return { ...described, ...(describeArguments(seeds, Object.keys(seeds), policy) as object) };
    },
    canary,
  };
};
