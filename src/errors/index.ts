export {
  codeSpec,
  type ErrorCategory,
  type ErrorCode,
  errorCodes,
  errorType,
  type RequestStatus,
} from './codes.ts';
export type {
  ErrorContext,
  FailedAttempt,
  GrpcStatus,
  PythonException,
  PythonFrame,
  WorkerExit,
} from './context.ts';
export { loadPeer, missingPeer, type OptionalPeer } from './optional-peer.ts';
export { isSnakepitError, SnakepitError, type SnakepitErrorInit } from './snakepit-error.ts';
