import { formatPath, leaves } from '../../config/index.ts';
import type { Paint } from '../show/paint.ts';
import { plainLine } from '../show/plain.ts';
import { table } from '../show/table.ts';
import { counted } from '../show/units.ts';
import { type ConfigView, type OutcomeView, valueText } from './view.ts';

/** How wide a screen is, and whether it has colours. */
export interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** The configuration in force, a line a key. */
export const configScreen = (view: ConfigView, look: Look): string => {
  const { config = {}, live = [], origins = {}, drift = [], version, file } = view;
  const isLive = new Set(live);
  const rows = [...leaves(config)].map(({ path, value }) => {
    const key = formatPath(path);
    const origin = origins[key] ?? 'default';
    const from = origin === file ? 'file' : origin;
    return [
      key,
      valueText(value),
      isLive.has(key) ? { text: 'live', style: 'green' as const } : 'restart',
      from === 'live' ? { text: from, style: 'yellow' as const } : from,
    ];
  });
  const columns = [
    { title: 'KEY' },
    { title: 'VALUE', flexible: true },
    { title: 'CHANGE' },
    { title: 'FROM', flexible: true },
  ];
  const source = file ? `from ${plainLine(file)}` : 'without a file';
  const differ =
    drift.length === 0
      ? ''
      : `\n${counted(drift.length, 'key')} in force ${drift.length === 1 ? 'is' : 'are'} not as configured: \`snakepit config diff\`.\n`;
  return `Configuration, version ${version ?? '?'}, ${source}\n\n${table(columns, rows, look)}\n${differ}`;
};

/** What differs between the configuration in force and what was configured. */
export const diffScreen = ({ drift = [] }: ConfigView, look: Look): string => {
  if (drift.length === 0) return 'Everything in force is as configured.\n';
  const columns = [
    { title: 'KEY' },
    { title: 'CONFIGURED', flexible: true },
    { title: 'IN FORCE', flexible: true },
    { title: 'WHY', flexible: true },
  ];
  const rows = drift.map(({ path, from, to, live }) => [
    path ?? '',
    valueText(from),
    valueText(to),
    live ? 'changed live' : 'needs a restart',
  ]);
  return `${table(columns, rows, look)}\n\nWhat was changed live is gone after a restart, unless it is written into the file.\n`;
};

/** What came of a change. */
export const outcomeText = (outcome: OutcomeView, dryRun: boolean): string => {
  const { changes = [], restart_required: waiting = [], version } = outcome;
  const lines = changes.map(
    ({ path, from, to }) =>
      `  ${plainLine(path)}: ${plainLine(valueText(from))} → ${plainLine(valueText(to))}`,
  );
  const head =
    changes.length === 0
      ? `Nothing ${dryRun ? 'would change' : 'has changed'}: it is so already (version ${version ?? '?'}).`
      : dryRun
        ? 'Would change:'
        : `Changed; version ${version ?? '?'} is in force until the next restart:`;
  const note =
    waiting.length === 0 ? [] : [`Still waiting for a restart: ${waiting.map(plainLine).join(', ')}.`];
  return `${[head, ...lines, ...note].join('\n')}\n`;
};
