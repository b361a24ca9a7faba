import { Command } from 'commander';
import { pythonRuntimePath } from '../process/python-runtime-path.ts';
import type { Terminal } from './terminal.ts';

/** `snakepit python-path` */
export const pythonPathCommand = (terminal: Terminal): Command =>
  new Command('python-path')
    .description(
      "print the folder for PYTHONPATH, so that editors, type checkers and tests find Python's side",
    )
    .action(() => terminal.out(`${pythonRuntimePath()}\n`));
