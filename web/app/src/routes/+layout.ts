// Everything is rendered in the browser: the build is a shell and its scripts, embedded in the server.
export const ssr = false;
export const prerender = false;
