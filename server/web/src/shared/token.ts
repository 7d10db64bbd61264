/**
 * The viewer's token: from the address's fragment, kept for reloads of this tab only.
 *
 * A fragment is not sent to servers, but it stays in the address bar and in what people copy, so it is
 * taken out as soon as it is read.
 */

const key = (room: string) => `lectern.token.${room}`;

/** The token of the address or of this tab, and the address without it. Null when there is none. */
export function takeToken(room: string): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return read(key(room));
  history.replaceState(history.state, "", location.pathname + location.search);
  const found = tokenIn(token);
  if (found) keepToken(room, found);
  return found;
}

export function keepToken(room: string, token: string): void {
  try {
    sessionStorage.setItem(key(room), token);
  } catch {
    // Storage is switched off: the token lasts until the page is reloaded.
  }
}

export function forgetToken(room: string): void {
  try {
    sessionStorage.removeItem(key(room));
  } catch {
    // Nothing was kept.
  }
}

/** The token in what someone typed: the token itself, or a whole link that holds one. Null if neither. */
export function tokenIn(text: string): string | null {
  const word = /#token=([^&\s]+)/.exec(text)?.[1] ?? text.trim();
  return /^[\w-]+(\.[\w-]+)*$/.test(word) ? word : null;
}

function read(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}
