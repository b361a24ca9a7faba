/**
 * Where the page stands decides where the API is: under `/x/dashboard` the API is under `/x/`. So a prefix or a
 * proxy needs no setting.
 */
export const rootOf = (pathname: string): string => pathname.replace(/\/[^/]*\/?$/, '/');

/** Address of an API path such as `api/live`, as the browser reaches it. */
export const apiUrl = (path: string): string => `${rootOf(location.pathname)}${path.replace(/^\//, '')}`;
