// Addresses that come from outside.

/** A path of this site to go to after sign-in; anything that could lead elsewhere becomes the home page. */
export function innerPath(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : '/';
}
