import { type ComponentChildren, Fragment } from 'preact';

/** A name and what is said of it. */
export type Fact = readonly [string, ComponentChildren];

export function Facts({ rows }: { readonly rows: readonly Fact[] }) {
  return (
    <dl class="kv">
      {rows.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
