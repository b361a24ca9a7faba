import type { Add } from '../spans.ts';
import { Trait } from '../survey.ts';
import { type Detector, eachMatch } from './detector.ts';

const patternOf = (forms: readonly string[]): RegExp =>
  new RegExp(`(?<![A-Za-z0-9])(?:${forms.join('|')})`, 'g');

/**
 * What providers put in front of their secrets, by a character that each of them has: a text without it need not be searched.
 * Every repetition either is bounded or is the last thing in its branch, and no branch can begin inside a run of letters: a long
 * hostile text is read once.
 */
const underscored = patternOf([
  'gh[pousr]_[A-Za-z0-9_]{20,}',
  'github_pat_[A-Za-z0-9_]{20,}',
  '[spr]k_(?:live|test)_[A-Za-z0-9]{10,}',
  'whsec_[A-Za-z0-9+/=]{16,}',
  'npm_[A-Za-z0-9]{30,}',
  'rubygems_[0-9a-f]{40,}',
  'dckr_pat_[\\w-]{20,}',
  'hf_[A-Za-z]{30,}',
  'r8_[A-Za-z0-9]{30,}',
  'gsk_[A-Za-z0-9]{40,}',
  'do[opr]_v1_[0-9a-f]{40,}',
  'shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}',
  'gl(?:sa|c)_[A-Za-z0-9_=+/]{30,}',
  'lin_api_[A-Za-z0-9]{30,}',
  'ntn_[A-Za-z0-9]{40,}',
  'secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])',
  'sntry[su]_[\\w=+/-]{30,}',
  'sb[ps]_[0-9a-f]{40}',
]);
const dashed = patternOf([
  'gl(?:pat|dt|rt|ptt|soat|ft|cbt)-[\\w-]{16,}',
  'xox[abeoprs]-[\\w-]{12,}',
  'xapp-\\d-[\\w-]{10,}',
  'GOCSPX-[\\w-]{20,}',
  'pypi-[\\w-]{30,}',
  'key-[0-9a-f]{32}(?![0-9a-zA-Z])',
  '(?:xai|pplx)-[A-Za-z0-9]{40,}',
  'sq0(?:atp|csp)-[\\w-]{20,}',
  'AGE-SECRET-KEY-1[0-9A-Z]{50,}',
  'NRAK-[A-Z0-9]{20,}',
  'PMAK-[0-9a-f]{24}-[0-9a-f]{20,}',
  'xkeysib-[0-9a-f]{40,}',
]);
const dotted = patternOf([
  'ya29\\.[\\w-]{20,}',
  'SG\\.[\\w-]{16,64}\\.[\\w-]{16,}',
  'hv[sbr]\\.[\\w-]{20,}',
  '[MN][A-Za-z0-9_-]{23,28}\\.[\\w-]{6}\\.[\\w-]{27,}',
]);
const others = patternOf([
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])',
  'AIza[\\w-]{30,}',
  'SK[0-9a-f]{32}(?![0-9a-zA-Z])',
  'ATATT3[\\w=-]{30,}',
  '(?:bot)?\\d{8,10}:AA[\\w-]{32,}',
]);

/** OpenAI's form and those modelled on it. Names of packages look alike: `sk-learn-contrib-estimators`. */
const loose = /(?<![A-Za-z0-9])[spr]k-([\w-]{16,})/g;
const knownKind = /^(?:proj|ant|svcacct|admin|live|test|or|lf)-/;

const addLoose = (text: string, add: Add): void =>
  eachMatch(loose, text, (match) => {
    const body = (match[1] as string).slice(0, 256);
    const random = /\d/.test(body) && /[A-Za-z0-9]{12,}/.test(body);
    if (random || (knownKind.test(body) && /\d|[a-z][A-Z]/.test(body))) {
      add(match.index, match.index + match[0].length);
    }
  });

const webhooks = patternOf([
  'hooks\\.slack\\.com/(?:services|workflows)/[\\w/]{20,}',
  'discord(?:app)?\\.com/api/webhooks/\\d{8,}/[\\w-]{20,}',
]);
const databricks = patternOf(['dapi[0-9a-f]{32}']);

const addMatches = (pattern: RegExp, text: string, add: Add): void =>
  eachMatch(pattern, text, (match) => add(match.index, match.index + match[0].length));

const detector = (name: string, needs: number, pattern: RegExp, any?: number): Detector => ({
  name,
  needs,
  ...(any === undefined ? {} : { any }),
  find: (text, add) => addMatches(pattern, text, add),
});

/** Keys and tokens whose provider marks them by a prefix. */
export const tokens: readonly Detector[] = [
  detector('tokens with _', Trait.underscore8, underscored),
  detector('tokens with -', Trait.runDash, dashed, Trait.runDigit | Trait.runUpper),
  detector('tokens with .', Trait.run16 | Trait.dot, dotted),
  detector('tokens', Trait.runUpper, others),
  {
    name: 'tokens with sk-',
    needs: Trait.runDash,
    find: (text, add) => {
      if (text.includes('k-')) addLoose(text, add);
    },
  },
  {
    name: 'webhooks',
    needs: Trait.mixed8 | Trait.dot,
    find: (text, add) => {
      if (text.includes('hooks')) addMatches(webhooks, text, add);
    },
  },
  {
    name: 'tokens with dapi',
    needs: Trait.runDigit,
    // A hash looks the same but for these four letters, and hashes are everywhere: nothing else is searched in them.
    find: (text, add) => {
      if (text.includes('dapi')) addMatches(databricks, text, add);
    },
  },
];
