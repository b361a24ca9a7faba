import { assignments } from './assignments.ts';
import { jwt, pem, schemesDetector } from './auth.ts';
import type { Detector } from './detector.ts';
import { emails } from './emails.ts';
import { flags, prose } from './flags.ts';
import { cards, ibans } from './numbers.ts';
import { tokens } from './tokens.ts';
import { urls } from './urls.ts';

export type { Detector } from './detector.ts';
export { emails };

/** The third layer, without what is an option. */
export const detectors: readonly Detector[] = [
  ...[assignments, schemesDetector, jwt, ...tokens, pem, urls, flags, prose, cards, ibans],
];
