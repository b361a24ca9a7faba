import { cpuShare, type Part, partsOf } from '../../text/anatomy.ts';
import type { Anatomy as AnatomyData } from '../../text/types.ts';
import { ms, percent } from '../../ui/format.ts';
import './anatomy.css';

/** Smaller parts are in the words, and would only be a smear in the picture. */
const LEAST_SEEN = 0.01;

const sentence = (parts: readonly Part[]): string =>
  parts.map(({ label, ms: took }) => `${label} ${ms(took)}`).join(', ');

/** Where the time of a request went, as one bar. */
export function AnatomyBar({ parts }: { readonly parts: readonly Part[] }) {
  return (
    <div class="anatomy-bar" role="img" aria-label={sentence(parts)} title={sentence(parts)}>
      {parts
        .filter(({ share }) => share >= LEAST_SEEN)
        .map(({ kind, share }) => (
          <span key={kind} class={`part ${kind}`} style={{ flexGrow: share }} />
        ))}
    </div>
  );
}

/** The same with its numbers in words. */
export function AnatomyLine({ parts }: { readonly parts: readonly Part[] }) {
  return (
    <>
      <AnatomyBar parts={parts} />
      <p class="anatomy-words muted">
        {parts.map(({ kind, label, ms: took }) => (
          <span key={kind}>
            <span class={`part key ${kind}`} aria-hidden="true" /> {label} {ms(took)}
          </span>
        ))}
      </p>
    </>
  );
}

/** The same with a legend and numbers. */
export function Anatomy({ anatomy }: { readonly anatomy: AnatomyData }) {
  const parts = partsOf(anatomy);
  const cpu = cpuShare(anatomy);
  if (parts.length === 0) return null;
  return (
    <div class="stack tight">
      <AnatomyBar parts={parts} />
      <table class="legend">
        <caption class="visually-hidden">Where the time went</caption>
        <tbody>
          {parts.map(({ kind, label, ms: took, share }) => (
            <tr key={kind}>
              <th scope="row">
                <span class={`part key ${kind}`} aria-hidden="true" /> {label}
              </th>
              <td class="num">{ms(took)}</td>
              <td class="num muted">{percent(share)}</td>
            </tr>
          ))}
          <tr class="sum">
            <th scope="row">Together</th>
            <td class="num">{ms(anatomy.total_ms)}</td>
            <td />
          </tr>
        </tbody>
      </table>
      {cpu !== undefined && anatomy.python_ms !== undefined && (
        <p class="muted small">
          The handler ran {ms(anatomy.python_ms)}, {percent(cpu)} of it on the CPU.
        </p>
      )}
      {parts.some(({ kind }) => kind === 'rest') && anatomy.python_ms === undefined && (
        <p class="muted small">
          Python has not said what it took: the request was given up, or its worker died.
        </p>
      )}
    </div>
  );
}
