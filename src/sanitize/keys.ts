/**
 * Names that give a secret away. Precision counts as much as recall: `max_tokens: 512` or `primary_key` must survive, or nobody
 * reads the log.
 */

/** Spelled anywhere in the name, separators aside: nothing but a secret is called that. */
const strong =
  /passw(or)?d|passphrase|passcode|secret(?!ar)|credential|authori[sz]ation|cookie|connectionstring|(api|private|access|signing|encryption)key|(access|auth|refresh|bearer|api|session|csrf|xsrf)token/;
const strongWords = new Set(['pwd', 'dsn', 'jwt', 'bearer', 'passwd', 'pass']);
/** Often a secret, but a count or a switch of that name is none. */
const weakWords = new Set(['token', 'tokens', 'auth']);
/** A last word that makes the name speak about a secret instead of holding it. */
const aboutWords = new Set([
  ...['at', 'budget', 'count', 'enabled', 'expires', 'expiry', 'file', 'format', 'ids', 'length', 'limit'],
  ...[
    'method',
    'mode',
    'ms',
    'name',
    'path',
    'policy',
    'provider',
    'required',
    'size',
    'ttl',
    'type',
    'usage',
  ],
]);
/** Keys of data, not of locks. */
const plainKeys = new Set([
  ...['cache', 'column', 'composite', 'event', 'foreign', 'group', 'hash', 'idempotency', 'index', 'label'],
  ...['map', 'metric', 'object', 'partition', 'primary', 'public', 'routing', 'row', 'sort', 'unique'],
]);

const fold = (key: string): string =>
  // Full-width letters, accents and invisible characters would let `ｐassword` or `pass\u200bword` through.
  /^[\x20-\x7e]*$/.test(key) ? key : key.normalize('NFKD').replace(/[\p{M}\p{Cf}]/gu, '');

const wordsOf = (key: string): string[] =>
  fold(key)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

type Verdict = 'secret' | 'maybe' | 'plain';

const judge = (key: string): Verdict => {
  const words = wordsOf(key);
  const last = words.at(-1) ?? '';
  if (words.length > 1 && aboutWords.has(last)) return 'plain';
  if (strong.test(words.join('')) || words.some((word) => strongWords.has(word))) return 'secret';
  if (words.some((word) => weakWords.has(word))) return 'maybe';
  return last === 'key' && !plainKeys.has(words.at(-2) ?? '') ? 'maybe' : 'plain';
};

const MAX_REMEMBERED = 1000;
const MAX_KEY = 256;
const remembered = new Map<string, Verdict>();

/**
 * Whether what stands under this key must be masked. A switch or nothing at all is never a secret; a number is one only where the
 * name leaves no doubt (`password: 1234`, but not `max_tokens: 512`).
 */
export const isSecretEntry = (key: string, value: unknown): boolean => {
  if (typeof value === 'boolean' || value === null || value === undefined) return false;
  // An endless key costs time to judge and nobody names a field like that: masked unseen.
  if (key.length > MAX_KEY) return true;
  let verdict = remembered.get(key);
  if (verdict === undefined) {
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    verdict = judge(key);
    remembered.set(key, verdict);
  }
  return verdict === 'secret' || (verdict === 'maybe' && typeof value !== 'number');
};

/** Well-known forms of whole secrets: vendor tokens, JWTs, private keys, `Authorization` values. */
const secretForm =
  /^(?:[spr]k[-_](?:live|test|proj|ant|svcacct)?[-_]?[\w-]{16,}$|gh[pousr]_\w{20,}$|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}$|AIza[\w-]{30,}$|eyJ[\w-]{8,}\.[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|(?:Bearer|Basic) \S{8,}$)/;

/** Whether a text, as a whole, is a secret by its form, whatever key it stands under. */
export const isSecretText = (text: string): boolean => secretForm.test(text);
