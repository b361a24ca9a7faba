import { Command, Option } from 'commander';
import { type ExitCode, UsageError } from '../exit.ts';
import { plainLine } from '../show/plain.ts';
import type { Terminal } from '../terminal.ts';
import { OpsClient } from './ops-client.ts';
import { findTarget } from './target.ts';

/** Flags of every command that speaks to a running instance. */
export interface ClientFlags {
  readonly opsUrl?: string;
  readonly json?: boolean;
  readonly timeout?: string;
}

/** Longest wait for an answer: what `fetch` itself has for a limit. Seconds. */
const MAX_TIMEOUT = 300;

/** A command that speaks to a running instance and never starts one. */
export const clientCommand = (name: string, about: string, timeoutSeconds: number): Command =>
  new Command(name)
    .description(about)
    .addOption(new Option('--ops-url <url>', 'ops server (default: the only running instance of this user)'))
    .addOption(new Option('--json', "print the server's JSON as it came"))
    .addOption(new Option('--timeout <seconds>', `longest wait for an answer (default: ${timeoutSeconds})`));

/** The client for a command's flags. @throws UsageError, CommandFailure as {@link findTarget} does */
export const connect = async (
  { opsUrl, timeout }: ClientFlags,
  terminal: Terminal,
  timeoutSeconds: number,
): Promise<OpsClient> => {
  const seconds = timeout === undefined ? timeoutSeconds : secondsOf('--timeout', timeout, MAX_TIMEOUT);
  return new OpsClient(await findTarget(opsUrl, terminal), seconds * 1000);
};

/** Wait for an answer that comes from memory. Seconds. */
export const QUICK = 10;
/** Wait for what has to load models. Seconds. */
export const PATIENT = MAX_TIMEOUT;

/** A number of seconds, at least 1 ms. @throws UsageError */
export const secondsOf = (flag: string, text: string, max: number): number => {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.001 && seconds <= max) return seconds;
  throw new UsageError(`${flag}: got '${plainLine(text)}'; allowed: seconds, above 0 and at most ${max}.`);
};

/** A whole number. @throws UsageError */
export const countOf = (flag: string, text: string, max: number): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= max) return count;
  throw new UsageError(`${flag}: got '${plainLine(text)}'; allowed: a whole number from 1 to ${max}.`);
};

/** What main hands to every command. */
export type Finish = (code: ExitCode) => void;
