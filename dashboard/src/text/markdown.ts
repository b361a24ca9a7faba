/** Text that goes into Markdown and must come out as it was, whatever is in it. */

const longest = (text: string, mark: RegExp): number =>
  Math.max(0, ...Array.from(text.matchAll(mark), ([found]) => found.length));

/** A block of code. The fence is longer than any in the text, so that nothing ends it early. */
export const fenced = (text: string, language = ''): string => {
  const fence = '`'.repeat(Math.max(3, longest(text, /`+/g) + 1));
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
};

/** Code within a line. Line breaks become spaces, and backticks at its ends are kept off the marks. */
export const inlineCode = (text: string): string => {
  const line = text.replaceAll(/\s*\n\s*/g, ' ');
  if (line === '') return '';
  const mark = '`'.repeat(longest(line, /`+/g) + 1);
  const pad = /^`|`$|^ .* $/.test(line) ? ' ' : '';
  return `${mark}${pad}${line}${pad}${mark}`;
};

/** Plain text: nothing in it is markup, a mention or a link to a ticket. */
export const plain = (text: string): string =>
  text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\`*_{}[\]()<>#|~!&]/g, '\\$&')
    // Some places make mentions of this; a backslash does not keep them from it.
    .replaceAll('@', '@\u200b')
    .replace(/^(\s*)([-+=]|\d+[.)])/, '$1\\$2');

/** A table of two columns. Code in a cell may not hold a bare pipe: it ends the cell even there. */
export const facts = (rows: readonly (readonly [string, string | null | undefined])[]): string => {
  const shown = rows.flatMap(([name, value]) =>
    value === null || value === undefined || value === ''
      ? []
      : [`| ${plain(name)} | ${inlineCode(value).replaceAll('|', '\\|')} |`],
  );
  return shown.length === 0 ? '' : ['| | |', '| --- | --- |', ...shown].join('\n');
};
