import type { Add } from '../spans.ts';

/** Programs whose short options are known to carry a password. The same letter is a port or a path elsewhere. */
const programs: readonly {
  name: RegExp;
  option: RegExp;
  attached?: boolean;
  afterColon?: boolean;
  only?: string;
}[] = [
  { name: /^(?:mysql\w*|mariadb[\w-]*)$/, option: /^-p(?=.)/, attached: true },
  { name: /^sshpass$/, option: /^-p/ },
  { name: /^redis-cli$/, option: /^-a$/ },
  { name: /^mongo(?:sh|dump|restore|export|import)?$/, option: /^-p$/ },
  { name: /^ldap(?:search|modify|add|delete|whoami)$/, option: /^-w$/ },
  { name: /^(?:docker|podman|buildah|helm)$/, option: /^-p$/, only: 'login' },
  { name: /^(?:curl|http|https)$/, option: /^(?:-u|--user|-U|--proxy-user|-a)$/, afterColon: true },
];

/** Cheap, since every list of texts is asked. */
const program =
  /^(?:[^\s]{0,120}[/\\])?((?:mysql|mariadb|sshpass|redis-cli|mongo|ldap|docker|podman|buildah|helm|curl|http)[\w-]{0,20})$/;
/** A program stands first, or behind `sudo` and the like. */
const MAX_BEFORE = 4;

const programOf = (words: readonly string[]): { rule: (typeof programs)[number]; at: number } | undefined => {
  const last = Math.min(words.length - 1, MAX_BEFORE);
  for (let at = 0; at < last; at++) {
    const name = program.exec(words[at] as string)?.[1];
    const rule = name === undefined ? undefined : programs.find((one) => one.name.test(name));
    if (rule !== undefined) return { rule, at };
  }
  return undefined;
};

/** Where the secrets are among the words of a command line: which word, and from which of its characters on. */
export const commandSecrets = (words: readonly string[]): ReadonlyMap<number, number> | undefined => {
  const found = programOf(words);
  if (found === undefined) return undefined;
  const { rule, at: first } = found;
  if (rule.only !== undefined && !words.includes(rule.only)) return undefined;
  const secrets = new Map<number, number>();
  for (let i = first + 1; i < words.length; i++) {
    const option = rule.option.exec(words[i] as string)?.[0];
    if (option === undefined) continue;
    const attached = option.length < (words[i] as string).length;
    const at = attached ? i : i + 1;
    const word = words[at];
    if (word === undefined || (!attached && rule.attached === true)) continue;
    const colon = rule.afterColon === true ? word.indexOf(':') : -1;
    if (rule.afterColon !== true || colon >= 0) secrets.set(at, attached ? option.length : colon + 1);
  }
  return secrets;
};

const start =
  /(?<![\w.-])(?:mysql|mariadb|sshpass|redis-cli|mongo|ldap|docker|podman|buildah|helm|curl|https?)(?=[\w-]* )/g;
const MAX_WORDS = 200;
const MAX_LINE = 4096;

/** Command lines within a text. Each line is read once, from the first program it names. */
export const commandSpans = (text: string, add: Add): void => {
  start.lastIndex = 0;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const end = lineEnd(text, match.index);
    const words: { text: string; at: number }[] = [];
    for (const word of text.slice(match.index, end).matchAll(/"[^"]*"?|'[^']*'?|[^\s"'|;]+/g)) {
      if (words.length >= MAX_WORDS) break;
      const quoted = /^["']/.test(word[0]) ? 1 : 0;
      words.push({
        text: quoted === 1 ? word[0].replace(/^["']|["']$/g, '') : word[0],
        at: match.index + word.index + quoted,
      });
    }
    for (const [index, from] of commandSecrets(words.map((word) => word.text)) ?? []) {
      const word = words[index];
      if (word !== undefined && word.text.length > from) add(word.at + from, word.at + word.text.length);
    }
    start.lastIndex = end;
  }
};

const lineEnd = (text: string, from: number): number => {
  const limit = Math.min(text.length, from + MAX_LINE);
  for (let i = from; i < limit; i++) if (text.charAt(i) === '\n' || text.charAt(i) === '|') return i;
  return limit;
};
