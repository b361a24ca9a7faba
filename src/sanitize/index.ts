export { describeArguments } from './arguments.ts';
export { MASK } from './mask.ts';
export { sanitize, sanitizeConfig, sanitizeFields, sanitizeText } from './sanitize.ts';
export { cut } from './text.ts';
export type { Json } from './walk.ts';
