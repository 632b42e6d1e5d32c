// Where the keyboard and the screen reader are, across an action that takes the button away that set it off.

/** Remembers what has the focus, if anything has. Called later, it gives it back, unless something else has it by then. */
export function rememberFocus(): () => void {
  if (lost()) return () => {};
  const had = document.activeElement;
  const section = had?.closest('section');
  return () => {
    if (!lost()) return;
    if (had instanceof HTMLElement) had.focus({ preventScroll: true });
    // The button is gone: its part of the page is told by that part's heading.
    if (lost()) focusOn(section?.isConnected ? section.querySelector('h2') : null);
    if (lost()) focusOn(document.querySelector('main h1'));
  };
}

/** Puts the focus on something that is read and not acted on. */
export function focusOn(what: Element | null | undefined): void {
  if (!(what instanceof HTMLElement)) return;
  what.tabIndex = -1;
  what.focus({ preventScroll: true });
}

const lost = () => document.activeElement === null || document.activeElement === document.body;
