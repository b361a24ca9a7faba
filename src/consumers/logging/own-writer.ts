import { Destination, type OnTrouble } from './destination.ts';
import { Fallback } from './fallback.ts';
import { type Level, type LogOptions, rankOf } from './levels.ts';
import { lineText } from './line-text.ts';
import { openTarget, type Target } from './open.ts';
import { ownNames, presetOf } from './preset.ts';
import { prettyPrinter } from './pretty.ts';
import type { Sink } from './sink.ts';
import { StreamDestination } from './stream-destination.ts';
import type { Inspect, Writer } from './writer.ts';

const STDERR = 2;
const asItIs = (json: string): string => json;

/** Lines from this level up are often the last words of a process. */
const URGENT = rankOf('warn');
const isUrgent = (level: Level): boolean => rankOf(level) >= URGENT;

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
 * Writes to a destination of our own.
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
  const textOf = lineText(preset);
  let failed = 0;
  return {
    takes: () => true,
    write: (line) => {
      try {
        const json = textOf(line);
        inspect?.(json);
        sink.write(json, isUrgent(line.level));
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
