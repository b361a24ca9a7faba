/**
 * A corpus for measuring the sanitizer: secrets of every kind in every container, and values that only look like secrets. The same
 * seed gives the same corpus, so that a figure can be repeated. Plain JavaScript, since the benchmark reads it too.
 */
import { containers } from './corpus-containers.mjs';
import { heldOutInnocents, heldOutSecrets } from './corpus-held-out.mjs';
import { innocents } from './corpus-innocents.mjs';
import { secrets } from './corpus-secrets.mjs';
import { unseenInnocents, unseenSecrets } from './corpus-unseen.mjs';

/** Numbers from 0 to 1 that depend on nothing but the seed. */
export const randomOf = (seed) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Helpers that make texts out of random numbers. */
const toolsOf = (random) => {
  const int = (below) => Math.floor(random() * below);
  const pick = (list) => list[int(list.length)];
  const text = (alphabet, length) => Array.from({ length }, () => alphabet[int(alphabet.length)]).join('');
  return { random, int, pick, text };
};

/** Every kind of secret `rounds` times in every container that can hold it. */
export const secretCases = (seed, rounds) => {
  const tools = toolsOf(randomOf(seed));
  const cases = [];
  for (const [kind, { make, needsName = false, own }] of Object.entries(secrets)) {
    for (const [container, { named, wrap }] of Object.entries(containers)) {
      // A plain password is known by its name alone.
      if ((needsName && !named) || (own !== undefined && named)) continue;
      for (let round = 0; round < rounds; round++) {
        const { secret, shown = secret } = make(tools);
        cases.push({ kind, container, secret, value: wrap(shown, tools) });
      }
    }
  }
  return cases;
};

/** Every kind of harmless value `rounds` times. */
export const innocentCases = (seed, rounds, kinds = innocents) => {
  const tools = toolsOf(randomOf(seed));
  return Object.entries(kinds).flatMap(([kind, make]) =>
    Array.from({ length: rounds }, () => ({ kind, value: make(tools) })),
  );
};

/** Every template of the held-out corpus, or another, `rounds` times. */
export const heldOutCases = (seed, rounds, templates = heldOutSecrets) => {
  const tools = toolsOf(randomOf(seed));
  return Object.entries(templates).flatMap(([kind, make]) =>
    Array.from({ length: rounds }, () => ({ kind, ...make(tools) })),
  );
};

/** Whether a text shows a secret, or as much of it as would help to guess the rest. */
export const leaks = (shown, secret) => {
  const size = Math.min(secret.length, Math.max(6, Math.ceil(secret.length / 2)));
  for (let at = 0; at + size <= secret.length; at++) {
    if (shown.includes(secret.slice(at, at + size))) return true;
  }
  return false;
};

const plain = (value) => JSON.parse(JSON.stringify(value));
const same = (value, copy) => JSON.stringify(plain(value)) === JSON.stringify(copy);

/** Recall of each kind of secret and share of harmless values that were changed, with what went wrong. */
export const measure = (sanitize, { seed = 1, secretRounds = 8, innocentRounds = 100 } = {}) =>
  measureOf(sanitize, secretCases(seed, secretRounds), innocentCases(seed + 1, innocentRounds));

/** {@link measure} on the held-out corpus. */
export const measureHeldOut = (sanitize, { seed = 1, rounds = 20 } = {}) =>
  measureOf(sanitize, heldOutCases(seed, rounds), innocentCases(seed + 1, rounds, heldOutInnocents));

/** {@link measure} on the corpus that nothing was mended for. */
export const measureUnseen = (sanitize, { seed = 1, rounds = 20 } = {}) =>
  measureOf(
    sanitize,
    heldOutCases(seed, rounds, unseenSecrets),
    innocentCases(seed + 1, rounds, unseenInnocents),
  );

const measureOf = (sanitize, secrets, harmless) => ({
  recall: tally(secrets, ({ value, secret }) => !leaks(textOf(sanitize(value)), secret)),
  precision: tally(harmless, ({ value }) => same(value, sanitize(value))),
});

/** All texts of a copy as they are: JSON would escape what is looked for. */
export const textOf = (copy) => {
  if (typeof copy !== 'object' || copy === null) return String(copy);
  return Object.entries(copy)
    .flatMap(([key, inner]) => [key, textOf(inner)])
    .join('\n');
};

const tally = (cases, isRight) => {
  const kinds = {};
  const wrong = [];
  for (const one of cases) {
    kinds[one.kind] ??= { right: 0, total: 0 };
    kinds[one.kind].total++;
    if (isRight(one)) kinds[one.kind].right++;
    else wrong.push(one);
  }
  const total = cases.length;
  return { kinds, wrong, total, right: total - wrong.length };
};

const percent = (share) => `${(share * 100).toFixed(2)} %`;

/** The figures as tables in Markdown. */
export const tables = ({ recall, precision }) => {
  const rows = ({ kinds }, share) =>
    Object.entries(kinds).map(
      ([kind, { right, total }]) => `| ${kind} | ${total} | ${percent(share(right, total))} |`,
    );
  return [
    ...[
      '| secret | cases | masked |',
      '| --- | --: | --: |',
      ...rows(recall, (right, total) => right / total),
    ],
    `| all | ${recall.total} | ${percent(recall.right / recall.total)} |`,
    ...['', '| harmless | cases | changed |', '| --- | --: | --: |'],
    ...rows(precision, (right, total) => 1 - right / total),
    `| all | ${precision.total} | ${percent(1 - precision.right / precision.total)} |`,
  ].join('\n');
};
