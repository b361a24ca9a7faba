import type { ErrorContext, Frame } from './types.ts';

/** How an exception came after the one that is shown before it. */
export type Relation = 'cause' | 'context';

/** An exception with the way to it. */
export interface Raised {
  /** With its module, where it is not one of Python's own. */
  readonly type: string;
  readonly message: string;
  /** Innermost last. Empty where they were not preserved. */
  readonly frames: readonly Frame[];
  /** How it led to the one before it in the list; undefined for the first, which is the one that was seen. */
  readonly relation: Relation | undefined;
}

const header = /^\s*(?:\+ |\| )*(?:Exception Group )?Traceback \(most recent call last\):$/;
const frameLine = /^\s*(?:\| )*File "(.*)", line (\d+)(?:, in (.*))?$/;
/** How faulthandler writes it: the innermost frame first, no source lines. */
const faultLine = /^\s*File "(.*)", line (\d+) in (.*)$/;
const repeated = /^\s*\[Previous line repeated (\d+) more times?\]$/;
const underline = /^[\s~^|]+$/;
const links: readonly (readonly [string, Relation])[] = [
  ['The above exception was the direct cause of the following exception:', 'cause'],
  ['During handling of the above exception, another exception occurred:', 'context'],
];

interface Block {
  frames: Frame[];
  type: string;
  message: string[];
  /** How it led to the next. */
  link: Relation | undefined;
}

const emptyBlock = (): Block => ({ frames: [], type: '', message: [], link: undefined });

const linkOf = (line: string): Relation | undefined => links.find(([text]) => line.trim() === text)?.[1];

const addHead = (block: Block, line: string): void => {
  const text = line.trim();
  const [, type = text, message] = /^([\w.]+(?:\[[^\]]*\])?): ?(.*)$/s.exec(text) ?? [];
  block.type = type;
  if (message !== undefined) block.message.push(message);
};

/** Takes in the lines between `Traceback` and the exception's name. Returns whether the line was one of them. */
const addFrameLine = (block: Block, line: string): boolean => {
  const found = frameLine.exec(line);
  if (found !== null) {
    const [, file = '', number = '0', name = '<module>'] = found;
    block.frames.push({ file, line: Number(number), function: name, code: null });
    return true;
  }
  const last = block.frames.at(-1);
  if (last === undefined || !/^\s/.test(line)) return false;
  if (underline.test(line) || repeated.test(line)) return true;
  if (last.code === null) block.frames[block.frames.length - 1] = { ...last, code: line.trim() };
  return true;
};

const blocksOf = (text: string): readonly Block[] => {
  const blocks: Block[] = [];
  let block: Block | undefined;
  for (const line of text.split(/\r?\n/)) {
    const link = linkOf(line);
    if (link !== undefined && block !== undefined) {
      block.link = link;
      block = undefined;
    } else if (header.test(line)) {
      block = emptyBlock();
      blocks.push(block);
    } else if (block !== undefined) {
      if (block.type !== '') block.message.push(line);
      else if (!addFrameLine(block, line) && line.trim() !== '') addHead(block, line);
    }
  }
  return blocks;
};

/**
 * Takes apart the text that Python prints of an exception. The exception that was seen comes first, those behind it
 * follow, nearest first. Empty where the text is none.
 */
export const parseTraceback = (text: string): readonly Raised[] => {
  const blocks = blocksOf(text);
  return blocks
    .map(({ frames, type, message, link }, i) => ({
      type,
      message: message.join('\n').trim(),
      frames,
      relation: i === blocks.length - 1 ? undefined : link,
    }))
    .reverse();
};

/** The frames of a stack alone, as they are sent of running requests, in either of Python's spellings. Innermost last. */
export const parseStack = (text: string): readonly Frame[] => {
  const [raised] = parseTraceback(text);
  if (raised !== undefined && raised.frames.length > 0) return raised.frames;
  const frames: Frame[] = [];
  for (const line of text.split(/\r?\n/)) {
    const found = faultLine.exec(line);
    if (found === null) continue;
    frames.push({ file: found[1] ?? '', line: Number(found[2]), function: found[3] ?? '', code: null });
  }
  return frames.reverse();
};

const own = new Set(['builtins', '__main__', '']);
const qualified = (module: string, type: string): string => (own.has(module) ? type : `${module}.${type}`);

/** What an exception's parts do not have is looked for in its text: the frames of those behind it. */
const framesBehind = (parsed: readonly Raised[], type: string, i: number): readonly Frame[] => {
  const there = parsed[i];
  return there !== undefined && (there.type === type || there.type.endsWith(`.${type}`)) ? there.frames : [];
};

/** The exceptions of an error, the one that was seen first. Parts come before text; empty where Python raised nothing. */
export const raisedOf = (context: ErrorContext | null): readonly Raised[] => {
  if (context === null) return [];
  const parsed = context.python_traceback === undefined ? [] : parseTraceback(context.python_traceback);
  const { exception } = context;
  if (exception === undefined) return parsed;
  const { type, module, message, frames, chain } = exception;
  return [
    { type: qualified(module, type), message, frames, relation: undefined },
    ...chain.map((link, i) => ({
      type: qualified(link.module, link.type),
      message: link.message,
      frames: framesBehind(parsed, link.type, i + 1),
      relation: link.relation,
    })),
  ];
};
