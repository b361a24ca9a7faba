import { isVoid, looksSecret } from '../looks.ts';
import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import { commandSpans } from './commands.ts';
import { type Detector, eachMatch } from './detector.ts';
import { Values } from './values.ts';

const flag = /(?<![\w-])--?([A-Za-z][\w.-]{2,63})[ \t]{1,4}(?=[^\s|<>-])/g;
/** What follows a flag in prose: "use --token to log in". */
const proseWords = new Set(
  (
    'a an and are as at but by can cannot flag flags for from has if in instead is it may must needs not of on ' +
    'option options or parameter argument setting should the then to was when which will with without value is: ist'
  ).split(' '),
);

/** Help texts show what to put in by the name of the option: `--api-key KEY`. */
const isStandIn = (name: string, shown: string): boolean => {
  const word = shown.replace(/[\])]+$/, '');
  return (
    /^[A-Z][A-Z_-]+$/.test(word) &&
    name.toUpperCase().replaceAll('-', '_').endsWith(word.replaceAll('-', '_'))
  );
};

/** Flags of a command line with their values behind a blank; `--token=x` is an assignment like any other. */
export const flags: Detector = {
  name: 'flags',
  needs: Trait.option | Trait.space,
  find(text, add, keys) {
    const values = new Values(text);
    eachMatch(flag, text, (match) => {
      const verdict = keys.verdict(match[1] as string);
      if (verdict === 'plain') return;
      const value = values.at(match.index + match[0].length);
      const shown = text.slice(value.start, Math.min(value.end, value.start + 256));
      if (isVoid(shown) || proseWords.has(shown.toLowerCase()) || isStandIn(match[1] as string, shown))
        return;
      if (verdict === 'maybe' && /^\d+$/.test(shown)) return;
      // Two dashes make a flag; one dash may be that of a word.
      if (match[0].startsWith('--') || verdict === 'secret') add(value.start, value.end);
    });
    commandSpans(text, add);
  },
};

const said =
  /(?<![\w-])(?:pass(?:word|phrase|code)|[Pp]assword|PASSWORD|[Pp]asswort|[Kk]ennwort|[Mm]ot de passe|[Cc]ontraseña|[Ss]enha|IDENTIFIED BY|secret|token|api[ _-]?key)(?: (?:is|was|of|for \w{1,32} is))? ?(?:(["'`])([^"'`\s]{4,128})\1|(?<=(?:is|was) )([^\s"'`]{6,128}))/g;

const netrc =
  /(?<!\w)machine[ \t\n]{1,8}\S{1,256}[ \t\n]{1,8}login[ \t\n]{1,8}\S{1,256}[ \t\n]{1,8}password[ \t\n]{1,8}(\S{1,256})/g;

const addLast = (match: RegExpExecArray, add: Add): void => {
  const end = match.index + match[0].length;
  add(end - (match[1] as string).length, end);
};

/** Prose and SQL that quote a secret: `invalid password 'hunter2'`, `the password is hunter2`, `IDENTIFIED BY 'hunter2'`. */
export const prose: Detector = {
  name: 'prose',
  needs: Trait.space,
  any: Trait.quote | Trait.digit,
  find(text, add) {
    if (text.includes('machine ')) eachMatch(netrc, text, (match) => addLast(match, add));
    eachMatch(said, text, (match) => {
      const value = (match[2] ?? match[3]) as string;
      const trimmed = value.replace(/[.,;:)]+$/, '');
      if (!looksSecret(trimmed)) return;
      const end = match.index + match[0].length - (match[1]?.length ?? 0) - (value.length - trimmed.length);
      add(end - trimmed.length, end);
    });
  },
};
