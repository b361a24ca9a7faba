/** A reader of both formats, for tests: strict about what it meets, and written from the specifications, not from the renderer. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    readonly timestamp: number;
  };
}

export class Parsed {
  readonly types = new Map<string, string>();
  readonly helps = new Map<string, string>();
  readonly units = new Map<string, string>();
  readonly samples: Sample[] = [];
  eof = false;

  all(name: string): Sample[] {
    return this.samples.filter((sample) => sample.name === name);
  }

  /** The one sample with these labels among its labels; undefined if there is none. */
  find(name: string, labels: Record<string, string> = {}): Sample | undefined {
    const found = this.all(name).filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} names ${found.length} series.`);
    return found[0];
  }

  value(name: string, labels: Record<string, string> = {}): number | undefined {
    return this.find(name, labels)?.value;
  }

  sum(name: string, labels: Record<string, string> = {}): number {
    return this.all(name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

const number = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  if (!/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) throw new Error(`Not a number: ${text}`);
  return Number(text);
};

const unescaped = (text: string) =>
  text.replace(/\\(.)/g, (_, char: string) => {
    if (char === 'n') return '\n';
    if (char === '\\' || char === '"') return char;
    throw new Error(`Not an escape: \\${char}`);
  });

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(,|(?=\}))/y;

/** Reads `{…}` from a position; the position after it comes back too. */
const braces = (line: string, start: number): [Record<string, string>, number] => {
  const labels: Record<string, string> = Object.create(null);
  let at = start + 1;
  while (line[at] !== '}') {
    LABEL.lastIndex = at;
    const match = LABEL.exec(line);
    if (match === null) throw new Error(`Bad labels at ${at}: ${line}`);
    const [whole, name, value] = match as unknown as [string, string, string];
    if (name in labels) throw new Error(`Label twice: ${line}`);
    labels[name] = unescaped(value);
    at += whole.length;
  }
  return [labels, at + 1];
};

const sample = (line: string): Sample => {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`No name: ${line}`);
  const [labels, end] = line[name.length] === '{' ? braces(line, name.length) : [{}, name.length];
  const [, value, rest] = /^ ([^ ]+)(.*)$/s.exec(line.slice(end)) ?? [];
  if (value === undefined) throw new Error(`No value: ${line}`);
  if (rest === '' || rest === undefined) return { name, labels, value: number(value) };
  if (!rest.startsWith(' # {')) throw new Error(`Neither timestamp nor exemplar may be here: ${line}`);
  const [exemplar, after] = braces(rest, 3);
  const [measured, timestamp] = rest.slice(after + 1).split(' ');
  return {
    name,
    labels,
    value: number(value),
    exemplar: { labels: exemplar, value: number(measured ?? ''), timestamp: number(timestamp ?? '') },
  };
};

/** @throws Error on anything that is not an exposition */
export const parse = (text: string): Parsed => {
  const parsed = new Parsed();
  if (!text.endsWith('\n')) throw new Error('The last line does not end.');
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (parsed.eof) throw new Error('Something comes after # EOF.');
    const [, keyword, name, rest] = /^# (HELP|TYPE|UNIT) ([^ ]+) (.*)$/s.exec(line) ?? [];
    if (line === '# EOF') parsed.eof = true;
    else if (keyword === 'HELP') parsed.helps.set(name as string, rest as string);
    else if (keyword === 'TYPE') parsed.types.set(name as string, rest as string);
    else if (keyword === 'UNIT') parsed.units.set(name as string, rest as string);
    else {
      const read = sample(line);
      const key = JSON.stringify([read.name, Object.entries(read.labels).sort()]);
      if (seen.has(key)) throw new Error(`Series twice: ${line}`);
      seen.add(key);
      parsed.samples.push(read);
    }
  }
  return parsed;
};
