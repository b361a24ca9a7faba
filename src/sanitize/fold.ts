/** Letters of other alphabets that look like ours: `раssword` with two Cyrillic letters reads the same and is another text. */
const twins = new Map(
  [
    ...['аa', 'вb', 'сc', 'ԁd', 'еe', 'һh', 'іi', 'јj', 'кk', 'мm', 'оo', 'рp', 'ѕs', 'тt', 'уy', 'ԝw', 'хx'],
    ...['αa', 'βb', 'ϲc', 'εe', 'ιi', 'κk', 'οo', 'ρp', 'τt', 'υy', 'χx', 'ıi'],
  ].map((pair) => [pair.charAt(0), pair.charAt(pair.length - 1)] as const),
);

const foldCase = (letter: string): string => {
  const twin = twins.get(letter);
  if (twin !== undefined) return twin;
  const small = twins.get(letter.toLowerCase());
  return small === undefined ? letter : small.toUpperCase();
};

/** Full-width letters, accents, invisible characters and look-alikes as the plain letters a reader takes them for. */
export const fold = (key: string): string =>
  /^[\x20-\x7e]*$/.test(key)
    ? key
    : key
        .normalize('NFKD')
        .replace(/[\p{M}\p{Cf}]/gu, '')
        .replace(/[^\x20-\x7e]/g, foldCase);

/** The words of a name however they are joined: `dbPassword`, `DB_PASSWORD`, `db-password`. */
export const wordsOf = (key: string): string[] =>
  fold(key)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
