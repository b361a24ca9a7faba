export { describeArguments } from './arguments.ts';
export type { Json, Limits } from './limits.ts';
export { MASK } from './mask.ts';
export type { AllowList, CustomDetector, SanitizerOptions } from './options.ts';
export { sanitize, sanitizeConfig, sanitizeFields, sanitizeText } from './sanitize.ts';
export { createSanitizer, type Sanitizer } from './sanitizer.ts';
export { cut } from './text.ts';
