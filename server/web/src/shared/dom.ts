/** The element with this id, of this class. Throws when the page and the script disagree. */
export function element<T extends Element>(id: string, kind: abstract new (...args: never[]) => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} with the id ${id}`);
}

/** Sets the text only when it changes, so that live regions speak once. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
