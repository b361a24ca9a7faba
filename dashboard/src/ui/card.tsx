import type { ComponentChildren } from 'preact';
import type { Problem as ProblemData } from '../data/problem.ts';
import { Icon } from './icon.tsx';
import type { Tone } from './status.tsx';

type Child = ComponentChildren;

export interface CardProps {
  readonly title?: Child;
  readonly aside?: Child;
  readonly footer?: Child;
  readonly level?: 2 | 3;
  readonly tone?: Tone | undefined;
  readonly class?: string;
  readonly id?: string;
  readonly children?: Child;
}

export function Card({ title, aside, footer, level = 2, tone, class: more = '', id, children }: CardProps) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <section class={`card ${tone ? `tone-${tone}` : ''} ${more}`} id={id}>
      {(title || aside) && (
        <header class="card-head">
          {title && <Heading class="card-title">{title}</Heading>}
          {aside && <div class="row card-aside">{aside}</div>}
        </header>
      )}
      <div class="card-body">{children}</div>
      {footer && <footer class="card-foot">{footer}</footer>}
    </section>
  );
}

/** The heading of a view. */
export function PageTitle({ title, aside }: { readonly title: Child; readonly aside?: Child }) {
  return (
    <div class="page-title">
      <h1 tabIndex={-1}>{title}</h1>
      {aside && <div class="row">{aside}</div>}
    </div>
  );
}

/** Nothing there is news too, and mostly good news. */
export function Empty({
  title,
  hint,
  tone = 'ok',
}: {
  readonly title: Child;
  readonly hint?: Child;
  readonly tone?: Tone;
}) {
  return (
    <div class="empty">
      <Icon name={tone} size={20} />
      <p class="empty-title">{title}</p>
      {hint && <p class="muted">{hint}</p>}
    </div>
  );
}

/** Holds the room of what is being fetched. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="bone" />
      ))}
    </div>
  );
}

export interface NoticeProps {
  readonly status: Tone;
  readonly title: Child;
  readonly children?: Child;
  readonly aside?: Child;
}

export function Notice({ status, title, children, aside }: NoticeProps) {
  return (
    <div class={`notice tone-${status}`}>
      <Icon name={status} />
      <div class="grow">
        <strong>{title}</strong>
        {children && <div>{children}</div>}
      </div>
      {aside}
    </div>
  );
}

export function Problem({
  problem,
  retry,
}: {
  readonly problem: ProblemData;
  readonly retry?: (() => void) | undefined;
}) {
  const button = retry && (
    <button type="button" class="button" onClick={retry}>
      Try again
    </button>
  );
  return (
    <Notice status="error" title={problem.title} aside={button}>
      {problem.detail}
    </Notice>
  );
}
