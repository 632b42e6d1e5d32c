// Secrets that come in the part of an address that browsers keep to themselves.

/** The token behind `#`, which leaves the address bar and the history with the reading. */
export function takeFragment(): string {
  const token = location.hash.slice(1);
  if (token) history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}
