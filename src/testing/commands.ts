import { SnakepitError } from '../errors/index.ts';
import type { CommandInfo, LogLevel } from '../events/index.ts';

/** What a fake command is told of its request, beside the arguments. */
export interface FakeContext {
  readonly requestId: string;
  readonly correlationId: string;
  readonly command: string;
  readonly workerId: string;
  readonly workerSlot: number;
  /** As `context().session` in Python: what is kept for the session, null at first. What `data` is when the function is done is kept. Undefined without a `sessionId`. */
  readonly session: { readonly id: string; data: unknown } | undefined;
  /** Aborted when the caller gives up, when the time is over, and when the worker ends. The request is over then, whatever the function still does. */
  readonly signal: AbortSignal;
  /** As `emit` in Python: an event `python.<name>` of this request. */
  emit(name: string, measurements?: Record<string, unknown>, metadata?: Record<string, unknown>): void;
  /** As `logging` in Python: a `python.log` event of this request. */
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

/**
 * What stands in for a Python command. It gets its own copy of the arguments. What it returns, or what its promise resolves to, is the result; what a generator yields
 * are the chunks of a stream. What it throws is a Python exception to the caller, except a `SnakepitError`, whose code is the request's.
 */
// biome-ignore lint/suspicious/noExplicitAny: its author knows the arguments of each command; unknown would ask for a cast in every one
export type FakeCommand = (args: any, context: FakeContext) => unknown;

/** Commands by name. Looked up at each call: a test may replace one at any time. */
export type FakeCommands = Record<string, FakeCommand>;

/**
 * @throws SnakepitError `invalid_configuration` when there is something among them that cannot be called
 */
export const checkCommands = (commands: FakeCommands, where: string): void => {
  for (const [name, command] of Object.entries(commands)) {
    if (typeof command === 'function') continue;
    const message = `${where}.${name}: got ${typeof command}, a function (args, context) is wanted.`;
    throw new SnakepitError('invalid_configuration', message);
  }
};

const kinds: Readonly<Record<string, CommandInfo['kind']>> = {
  AsyncFunction: 'async',
  GeneratorFunction: 'generator',
  AsyncGeneratorFunction: 'async_generator',
};

/** The commands of one pool. */
export interface CommandTable {
  find(name: string): FakeCommand | undefined;
  /** As they are now. */
  all(): FakeCommands;
}

/** Both as one; those of the pool win. */
export const commandTable = (own: FakeCommands, shared: FakeCommands): CommandTable => ({
  find: (name) => [own, shared].find((commands) => Object.hasOwn(commands, name))?.[name],
  all: () => ({ ...shared, ...own }),
});

/** What a worker says of its commands once it is ready. The parameters of a JavaScript function cannot be told. */
export const describeCommands = (commands: FakeCommands): CommandInfo[] =>
  Object.entries(commands).map(([name, command]) => ({
    name,
    kind: kinds[command.constructor.name] ?? 'plain',
    doc: null,
    parameters: [],
  }));
