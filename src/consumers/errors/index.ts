export { Errors, type ErrorsInit } from './errors.ts';
export type {
  Anatomy,
  ErrorDetail,
  ErrorFilter,
  ErrorGroup,
  ErrorLine,
  ErrorList,
  ErrorTotals,
  SlowList,
  SlowRequest,
  SlowStatus,
} from './types.ts';
