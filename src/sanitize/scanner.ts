import { type Detector, detectors, emails } from './detectors/index.ts';
import type { KeyRules } from './keys.ts';
import type { Masker } from './mask.ts';
import type { CustomDetector, SanitizerOptions } from './options.ts';
import { merge, render, type Span } from './spans.ts';
import { survey, Trait } from './survey.ts';
import { cut } from './text.ts';

const none: readonly Span[] = [];
/** `pwd=x`: no built-in detector finds anything in less. */
const SHORTEST = 5;

/**
 * How far beyond a cut a text is still read: a secret that the cut would halve must be seen whole to be known. As long as the
 * longest headers that servers take.
 */
const MARGIN = 8192;

const custom = ({ name, pattern, find }: CustomDetector): Detector => {
  const global = pattern && new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
  return {
    name,
    needs: 0,
    find(text, add) {
      if (global) for (const match of text.matchAll(global)) add(match.index, match.index + match[0].length);
      for (const [start, end] of find?.(text) ?? []) add(start, end);
    },
  };
};

const allowance = (values: readonly (string | RegExp)[]): ((text: string) => boolean) | undefined => {
  if (values.length === 0) return undefined;
  const exact = new Set(values.filter((value) => typeof value === 'string'));
  const patterns = values
    .filter((value) => value instanceof RegExp)
    // A global pattern remembers where it was, and would say no every other time.
    .map(({ source, flags }) => new RegExp(source, flags.replace(/[gy]/g, '')));
  return (text) => exact.has(text) || patterns.some((pattern) => pattern.test(text));
};

const MAX_PLANS = 4096;

/** The third layer: what a text says, whatever name it stands under. */
export class Scanner {
  readonly #detectors: readonly Detector[];
  /** Which of them are worth a try, by the traits of a text: far fewer combinations come up than texts. */
  readonly #plans = new Map<number, readonly Detector[]>();
  readonly #keys: KeyRules;
  readonly #short: boolean;
  readonly #mask: Masker;
  readonly allowed: ((text: string) => boolean) | undefined;

  constructor(options: SanitizerOptions, keys: KeyRules, mask: Masker) {
    const own = (options.detectors ?? []).map(custom);
    this.#detectors = [...detectors, ...(options.emails === true ? [emails] : []), ...own];
    this.#short = own.length === 0;
    this.#keys = keys;
    this.#mask = mask;
    this.allowed = allowance(options.allow?.values ?? []);
  }

  /** A text fit to be shown, cut to about `max` characters. */
  text(text: string, max: number): string {
    if (max <= 0 || text.length === 0) return cut(text, Math.max(0, max));
    if (text.length > max + 2 * MARGIN) return this.#ends(text, max);
    const traits = survey(text);
    const plan = this.#plan(traits);
    const spans = plan.length === 0 || this.#isTooShort(text) ? none : this.#spans(text, traits, plan);
    if (spans.length === 0 && text.length <= max && (traits & Trait.surrogate) === 0) return text;
    return cut(spans.length === 0 ? text : render(text, spans, this.#mask), max);
  }

  #isTooShort(text: string): boolean {
    return text.length < SHORTEST && this.#short;
  }

  #plan(traits: number): readonly Detector[] {
    let plan = this.#plans.get(traits);
    if (plan === undefined) {
      plan = this.#detectors.filter(
        ({ needs, any }) => (traits & needs) === needs && (any === undefined || (traits & any) !== 0),
      );
      if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
      this.#plans.set(traits, plan);
    }
    return plan;
  }

  /** Both ends of a long text, each read a little further than it is shown. */
  #ends(text: string, max: number): string {
    const head = Math.ceil((max * 2) / 3);
    const tail = max - head;
    const first = text.slice(0, head + MARGIN);
    const start = render(first, this.#spans(first), this.#mask, 0, head).slice(0, head);
    const last = text.slice(text.length - tail - MARGIN);
    const end = render(last, merge([...this.#spans(last), ...seam(last)]), this.#mask, MARGIN).slice(
      -tail || last.length,
    );
    return `${start}… [${text.length - max} characters cut] …${tail > 0 ? end : ''}`.toWellFormed();
  }

  #spans(text: string, traits = survey(text), plan = this.#plan(traits)): readonly Span[] {
    let spans: Span[] | undefined;
    const add = (start: number, end: number): void => {
      if (end <= start) return;
      spans ??= [];
      spans.push([start, end]);
    };
    try {
      for (const detector of plan) detector.find(text, add, this.#keys, traits);
    } catch {
      // A detector of the user's that throws has not said that the text is harmless.
      return [[0, text.length]];
    }
    if (spans === undefined) return none;
    const merged = merge(spans);
    const { allowed } = this;
    if (allowed === undefined) return merged;
    return allowed(text) ? [] : merged.filter(([from, to]) => !allowed(text.slice(from, to)));
  }
}

const SAMPLE = 512;
const LETTERS = 8;

/** A run that comes into sight from before the margin may be the rest of a secret whose beginning nobody has read. */
const seam = (text: string): Span[] => {
  let end = 0;
  while (end < text.length && !/[\s"',;&]/.test(text.charAt(end))) end++;
  if (end <= MARGIN) return [];
  // A line of dashes is long too, but no secret has so few letters.
  const inSight = new Set(text.slice(MARGIN - SAMPLE, Math.min(end, MARGIN + SAMPLE)));
  return inSight.size < LETTERS ? [] : [[0, end]];
};
