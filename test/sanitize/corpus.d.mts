export interface Case {
  readonly kind: string;
  readonly container?: string;
  readonly secret?: string;
  readonly value: unknown;
}
export interface Tally {
  readonly kinds: Readonly<Record<string, { readonly right: number; readonly total: number }>>;
  readonly wrong: readonly Case[];
  readonly right: number;
  readonly total: number;
}
export interface Figures {
  readonly recall: Tally;
  readonly precision: Tally;
}
export interface Rounds {
  readonly seed?: number;
  readonly secretRounds?: number;
  readonly innocentRounds?: number;
}
export const randomOf: (seed: number) => () => number;
export const secretCases: (seed: number, rounds: number) => Case[];
export const innocentCases: (seed: number, rounds: number) => Case[];
export const heldOutCases: (seed: number, rounds: number) => Case[];
export const measureHeldOut: (
  sanitize: (value: unknown) => unknown,
  rounds?: { readonly seed?: number; readonly rounds?: number },
) => Figures;
export const measureUnseen: (
  sanitize: (value: unknown) => unknown,
  rounds?: { readonly seed?: number; readonly rounds?: number },
) => Figures;
/** All texts of a copy as they are. */
export const textOf: (copy: unknown) => string;
export const leaks: (shown: string, secret: string) => boolean;
export const measure: (sanitize: (value: unknown) => unknown, rounds?: Rounds) => Figures;
export const tables: (figures: Figures) => string;
