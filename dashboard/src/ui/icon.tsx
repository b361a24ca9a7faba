const paths = {
  ok: 'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M5 8.3l2.1 2.1L11 6.2',
  warning: 'M8 2 15 14H1zM8 6.5v3.2M8 11.6v.6',
  error: 'M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  info: 'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M8 7.3v4M8 4.6v.6',
  neutral: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M5 8h6',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5 6.5 12 13 4.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  menu: 'M2 4h12M2 8h12M2 12h12',
  more: 'M3 8h.6M7.7 8h.6M12.4 8h.6',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.8A6 6 0 1 1 6.2 2.5a5 5 0 0 0 7.3 7.3z',
  auto: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 2v12M10.5 3v10M13 5v6',
  help: 'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M6 6.2a2 2 0 1 1 2.8 1.9c-.6.3-.8.6-.8 1.2M8 11.3v.5',
  search: 'M7 2a5 5 0 1 1 0 10A5 5 0 0 1 7 2M10.7 10.7 14 14',
  down: 'M3.5 6 8 10.5 12.5 6',
  up: 'M3.5 10 8 5.5 12.5 10',
  right: 'M6 3.5 10.5 8 6 12.5',
  external: 'M9 2.5h4.5V7M13.5 2.5 8 8M6.5 3.5h-4v10h10v-4',
  pause: 'M5 3v10M11 3v10',
  play: 'M4.5 2.5v11l9-5.5z',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11',
  overview: 'M2 13.5V8h3v5.5M6.5 13.5v-11h3v11M11 13.5V5.5h3v8',
  pools: 'M2 3h12v4H2zM2 9h12v4H2zM4.5 5h.6M4.5 11h.6',
  latency: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 4.5V8l2.5 2',
  slow: 'M3.5 1.5h9M3.5 14.5h9M4.5 1.5c0 4 7 9 7 13M11.5 1.5c0 4-7 9-7 13',
  events: 'M2 4h1M5.5 4H14M2 8h1M5.5 8H14M2 12h1M5.5 12H14',
  health: 'M1 8h3l2-5 3.5 10L12 8h3',
  telemetry:
    'M3 13a7 7 0 0 1 0-10M13 13a7 7 0 0 0 0-10M5.5 10.5a3.5 3.5 0 0 1 0-5M10.5 10.5a3.5 3.5 0 0 0 0-5M8 8h.01',
  restart: 'M13.5 8a5.5 5.5 0 1 1-1.6-3.9L13.5 5.5M13.5 2v3.5H10',
  config: 'M2 4.5h7M12 4.5h2M9 2.5h3v4H9zM2 11.5h2M7 11.5h7M4 9.5h3v4H4z',
} as const;

export type IconName = keyof typeof paths;

/** Never the only sign: a word stands beside it, or its button has a name. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
