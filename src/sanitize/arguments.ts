import { defaultPolicy, type Policy } from './policy.ts';
import { ownValue, shapeOf } from './shape.ts';
import { bigintText } from './text.ts';
import { put } from './walk.ts';

const MAX_KEYS = 50;
const MAX_SHOWN = 200;

/**
 * The arguments of a call as error contexts show them: scalars of the keys in `showArgs` as they are (texts up to 200 characters),
 * everything else masked, containers with their shape beside the mask.
 *
 * `{ model: 'bert', input: 'secret text', ids: [1, 2, 3] }` becomes
 * `{ model: 'bert', input: '[SANITIZED]', ids: '[SANITIZED] array(3)' }`.
 *
 * A key that names a secret stays masked even if `showArgs` has it. At most 50 keys are listed; `…` says how many more there are.
 * Runs none of the value's code, changes nothing, never throws.
 *
 * @param args - the arguments, normally an object
 * @param showArgs - keys whose scalars may be shown, the option `errors.showArgs`
 * @param policy - the rules. Default: those that hold where nobody has configured others
 */
export const describeArguments = (
  args: unknown,
  showArgs: readonly string[],
  policy: Policy = defaultPolicy,
): unknown => {
  if (args === undefined) return undefined;
  const shape = shapeOf(args);
  if (shape?.startsWith('object(') !== true) return masked(shape, policy);
  try {
    const keys = Object.keys(args as object);
    const shown: Record<string, unknown> = {};
    for (const key of keys.slice(0, MAX_KEYS)) {
      const value = ownValue(args as object, key);
      // Such a key is left out on the wire as well.
      if (value !== undefined) {
        put(
          shown,
          policy.label(key),
          showArgs.includes(key) ? scalar(key, value, policy) : masked(shapeOf(value), policy),
        );
      }
    }
    if (keys.length > MAX_KEYS) put(shown, '…', `${keys.length - MAX_KEYS} more`);
    return shown;
  } catch {
    return policy.mask.plain;
  }
};

/** No hash here: most of what is masked is no secret, and a hash would tell equal arguments. */
const masked = (shape: string | undefined, { mask }: Policy): string =>
  shape === undefined ? mask.plain : `${mask.plain} ${shape}`;

const scalar = (key: string, value: unknown, policy: Policy): unknown => {
  if (policy.hides(key, value, undefined)) return masked(shapeOf(value), policy);
  switch (typeof value) {
    case 'string':
      return policy.text(value, MAX_SHOWN);
    case 'number':
      // JSON has no word for these, and a null would claim that nothing was given.
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return bigintText(value);
    case 'boolean':
      return value;
    default:
      return value === null ? null : masked(shapeOf(value), policy);
  }
};
