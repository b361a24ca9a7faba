import { styleText } from 'node:util';
import { sanitizeText } from '../../sanitize/index.ts';
import type { Finding, Status } from './finding.ts';

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<Status, string>;
/** As wide as the longest status. */
const STATUS_WIDTH = 4;

/** One line a finding, names aligned; what follows a line is indented below its detail. */
export const renderFindings = (findings: readonly Finding[], colours: boolean): string => {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(STATUS_WIDTH + 2 + width + 2);
  const lines = findings.map(({ status, check, detail, remedy }) => {
    const word = status.padEnd(STATUS_WIDTH);
    const head = `${colours ? styleText(COLOURS[status], word, { validateStream: false }) : word}  ${check.padEnd(width)}  `;
    // A traceback may hold secrets, and what doctor says is pasted into tickets.
    const body = sanitizeText(detail).split('\n').join(`\n${indent}`);
    return remedy === undefined ? head + body : `${head}${body}\n${indent}→ ${remedy}`;
  });
  return `${[...lines, '', summary(findings)].join('\n')}\n`;
};

const summary = (findings: readonly Finding[]): string => {
  const count = (wanted: Status) => findings.filter(({ status }) => status === wanted).length;
  const failed = count('fail');
  const warned = count('warn');
  if (failed > 0) return `${failed} to mend before serving${warned > 0 ? `, ${warned} worth a look` : ''}.`;
  return warned > 0 ? `Ready to serve; ${warned} worth a look.` : 'Ready to serve.';
};
