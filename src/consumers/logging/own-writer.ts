import { pino } from 'pino';
import { Destination, type OnTrouble } from './destination.ts';
import { Fallback } from './fallback.ts';
import type { LogOptions } from './levels.ts';
import type { Line } from './line.ts';
import { openTarget, type Target } from './open.ts';
import { ownNames, presetOf } from './preset.ts';
import { prettyPrinter } from './pretty.ts';
import type { Sink } from './sink.ts';
import { StreamDestination } from './stream-destination.ts';
import type { Inspect, Writer } from './writer.ts';

const STDERR = 2;
const asItIs = (json: string): string => json;

interface Way {
  readonly sink: Sink;
  readonly reopen: () => void;
}

const toFile = (
  dest: string,
  target: Target,
  onTrouble: OnTrouble,
  render?: (text: string) => string,
): Way => {
  const sink = new Destination(target, onTrouble, render);
  return {
    sink,
    reopen: () => {
      // Streams of the process were not opened by us.
      if (target.owned) sink.reopen(openTarget(dest));
    },
  };
};

/**
 * Writes with pino to a destination of our own.
 *
 * @param inspect - shown the text of every line
 * @throws SnakepitError `invalid_configuration` when the destination cannot be opened
 */
export const ownWriter = (options: LogOptions, inspect?: Inspect): Writer => {
  const { format, dest, stream } = options;
  const isPretty = format === 'pretty';
  // The printer reads our own names.
  const preset = isPretty ? ownNames : presetOf(options.fields ?? 'default');
  const target = stream === undefined ? openTarget(dest) : undefined;
  const fallback = new Fallback(
    stream === undefined ? dest : 'the stream that was given',
    target?.fd !== STDERR,
    preset,
  );
  const onTrouble: OnTrouble = (error, lines) => {
    fallback.notice(error.message);
    for (const line of lines) fallback.text(line);
  };
  const render = isPretty ? prettyPrinter(target?.fd) : undefined;
  const { sink, reopen }: Way =
    stream !== undefined
      ? { sink: new StreamDestination(stream, onTrouble, render ?? asItIs), reopen: () => {} }
      : toFile(dest, target as Target, onTrouble, render);
  // pino has no way to hand the time through; the call in between is synchronous.
  let timestamp = 0;
  let failed = 0;
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: preset.messageKey,
      timestamp: () => `,"${preset.timestampKey}":"${preset.timestamp(timestamp)}"`,
      formatters: { level: (label) => preset.level(label as Line['level']) },
    },
    {
      write: (json: string) => {
        inspect?.(json);
        sink.write(json);
      },
    },
  );
  return {
    takes: () => true,
    write: (line) => {
      timestamp = line.timestamp;
      try {
        logger[line.level](preset.fields?.(line.fields) ?? line.fields, line.message);
        if (sink.failing) fallback.line(line);
      } catch (error) {
        failed++;
        fallback.notice(String(error));
        fallback.line(line);
      }
    },
    writeErrors: () => sink.writeErrors + failed,
    losses: () => ({ ...sink.dropped, unserializable: failed }),
    reopen,
    close: () => sink.close(),
  };
};
