import { exitText } from '../../text/report.ts';
import type { WorkerExit } from '../../text/types.ts';
import { Code } from '../../ui/copy.tsx';
import { count, duration } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { type Fact, Facts } from './facts.tsx';

const factsOf = (exit: WorkerExit): readonly Fact[] => {
  const { oom_evidence, uptime_seconds, requests, in_flight, memory_mb, cpu_seconds } = exit;
  const facts: Fact[] = [['Ended by', <StatusBadge key="e" status="error" label={exitText(exit)} />]];
  if (oom_evidence !== undefined) facts.push(['Evidence', oom_evidence]);
  facts.push(
    ['Age', duration(uptime_seconds * 1000)],
    ['Requests served', count(requests)],
    ['Requests lost', in_flight.length === 0 ? 'none' : <span class="mono">{in_flight.join(', ')}</span>],
  );
  if (memory_mb.length > 0)
    facts.push(['Last memory', `${memory_mb.map((mb) => mb.toFixed(1)).join(' → ')} MiB`]);
  if (cpu_seconds !== undefined) facts.push(['CPU time', `${cpu_seconds.toFixed(2)} s`]);
  return facts;
};

/** The death certificate of a worker. */
export function Exit({ exit }: { readonly exit: WorkerExit }) {
  return (
    <div class="stack tight">
      <Facts rows={factsOf(exit)} />
      {exit.stderr_tail.length > 0 && (
        <Code text={exit.stderr_tail.join('\n')} label="last lines on standard error" />
      )}
      {exit.last_stack !== undefined && <Code text={exit.last_stack} label="last Python stack" />}
    </div>
  );
}
