import { CommandFailure, Unreachable, UsageError } from '../exit.ts';
import { plainBlock, plainLine } from '../show/plain.ts';

interface Problem {
  readonly title?: unknown;
  readonly detail?: unknown;
  /** Of a query that is not usable: which part of it. */
  readonly parameter?: unknown;
  readonly code?: unknown;
}

/** A server's no (RFC 9457) in its own words, and how to mend a missing token from here. */
export const serverProblem = (text: string, status: number, hadToken: boolean): Error => {
  const { title, detail, parameter, code } = parse(text);
  const words = [plainLine(title ?? `The server answered with HTTP ${status}.`)];
  if (typeof detail === 'string') words.push(plainBlock(detail).trim());
  if (status === 401) words.push(hadToken ? WRONG_TOKEN : NO_TOKEN);
  // Parameters are what flags became: the mistake is on the command line.
  if (status === 400 && parameter !== undefined) return new UsageError(words.join('\n'));
  // The same for a change of the configuration that is not possible.
  if (code === 'invalid_configuration' || code === 'restart_required')
    return new UsageError(words.join('\n'));
  return new (status === 503 ? Unreachable : CommandFailure)(words.join('\n'));
};

const NO_TOKEN = 'Set SNAKEPIT_OPS_TOKEN, or SNAKEPIT_OPS_TOKEN_FILE, to the token of that instance.';
const WRONG_TOKEN =
  'A token was sent: from SNAKEPIT_OPS_TOKEN or its _FILE, else the one the instance made itself.';

const parse = (text: string): Problem => {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
};
