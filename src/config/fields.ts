import { z } from 'zod';

/** Words in which options are described; see schema.ts. */

/** Node's timers overflow above this and fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export const duration = (fallback: number, about: string) =>
  z.number().int().positive().max(MAX_TIMER_MS).default(fallback).describe(`${about} Milliseconds.`);
export const durationOrZero = (fallback: number, about: string) =>
  z.number().int().nonnegative().max(MAX_TIMER_MS).default(fallback).describe(`${about} Milliseconds.`);
/** A duration that need not be given. */
export const maybeDuration = (about: string) =>
  z.number().int().positive().max(MAX_TIMER_MS).optional().describe(`${about} Milliseconds.`);
export const positive = (fallback: number, about: string) =>
  z.number().int().positive().default(fallback).describe(about);
export const maybePositive = (about: string) => z.number().int().positive().optional().describe(about);
/** From 0 to 1. */
export const share = (fallback: number, about: string) =>
  z.number().min(0).max(1).default(fallback).describe(about);
export const flag = (fallback: boolean, about: string) => z.boolean().default(fallback).describe(about);
