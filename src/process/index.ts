export { LineSplitter } from './lines.ts';
export { type FoundPython, findPython, type PythonRequest } from './python.ts';
export { workerEnv } from './python-env.ts';
export { pythonRuntimePath } from './python-runtime-path.ts';
export { type ProcessExit, type SpawnSettings, WorkerProcess } from './spawn.ts';
