/** What only the composition knows of a pool. */
export interface PoolFacts {
  readonly transport: 'socket' | 'grpc';
  readonly pythonPath: string;
  readonly pythonReason: string;
}
