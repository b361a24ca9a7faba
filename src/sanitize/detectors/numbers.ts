import { Trait } from '../survey.ts';
import { type Detector, eachMatch } from './detector.ts';

/** The check digit of card numbers. */
export const luhn = (digits: string): boolean => {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

/** Issuers and their lengths; without them one id in ten would pass. */
const issuer =
  /^(?:4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14})$/;

const cardForm =
  /(?<![\w.+@#/-])\d{4}(?:([ -])\d{4}\1\d{4}\1\d{4}|[ -]\d{6}[ -]\d{4,5}|\d{10,12})(?![\w@-]|\.\d)/g;

/** Card numbers: digits of an issuer with the right check digit, in one piece or in groups. */
export const cards: Detector = {
  name: 'cards',
  needs: Trait.digits12,
  find(text, add) {
    eachMatch(cardForm, text, (match) => {
      const digits = match[0].replace(/[ -]/g, '');
      if (issuer.test(digits) && luhn(digits)) add(match.index, match.index + match[0].length);
    });
  },
};

/** Whether a number is that of a card; only where its name says so, since ids are numbers too. */
export const isCardNumber = (value: number): boolean => {
  const digits = String(value);
  return issuer.test(digits) && luhn(digits);
};

const lengths = new Map(
  (
    'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21' +
    'HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22' +
    'SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20'
  )
    .match(/[A-Z]{2}\d\d/g)
    ?.map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const mod97 = (iban: string): number => {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
  }
  return rest;
};

const ibanForm =
  /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9])/g;

/** Bank account numbers: a country, its length, and the remainder that the standard asks for. */
export const ibans: Detector = {
  name: 'ibans',
  needs: Trait.digit | Trait.upper,
  find(text, add) {
    eachMatch(ibanForm, text, (match) => {
      const wanted = lengths.get(match[0].slice(0, 2));
      const end = wanted === undefined ? -1 : endOf(match[0], wanted);
      if (end > 0 && mod97(match[0].slice(0, end).replaceAll(' ', '')) === 1) {
        add(match.index, match.index + end);
      }
    });
  },
};

/** Where the wanted number of characters ends, blanks aside: the word after an IBAN in groups looks like one more group. */
const endOf = (text: string, wanted: number): number => {
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== ' ') seen++;
    if (seen === wanted) return text[i + 1] === undefined || text[i + 1] === ' ' ? i + 1 : -1;
  }
  return -1;
};
