import { Trait } from '../survey.ts';
import { type Detector, eachMatch } from './detector.ts';

const address =
  /(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w-])/g;

/** E-mail addresses: not secret, but personal; an option. */
export const emails: Detector = {
  name: 'emails',
  needs: Trait.at | Trait.dot,
  find(text, add) {
    eachMatch(address, text, (match) => add(match.index, match.index + match[0].length));
  },
};
