import type { Command } from 'commander';
import type { Finish } from '../client/command.ts';
import { configCommand } from '../config/command.ts';
import type { Terminal } from '../terminal.ts';
import { drainCommand } from './drain.ts';
import { errorsCommand } from './errors.ts';
import { logHeaderCommand } from './log-header.ts';
import { recycleCommand } from './recycle.ts';
import { slowCommand } from './slow.ts';
import { stackCommand } from './stack.ts';
import { statusCommand } from './status.ts';
import { tailCommand } from './tail.ts';
import { topCommand } from './top.ts';

/** The commands for a running instance: all but the last speak to it. */
export const runningCommands = (terminal: Terminal, finish: Finish): readonly Command[] =>
  [
    statusCommand,
    topCommand,
    errorsCommand,
    slowCommand,
    tailCommand,
    stackCommand,
    recycleCommand,
    configCommand,
    drainCommand,
    logHeaderCommand,
  ].map((make) => make(terminal, finish));
