/** What only the composition knows of a pool. */
export interface PoolFacts {
  readonly transport: 'socket';
  readonly pythonPath: string;
  readonly pythonReason: string;
}
