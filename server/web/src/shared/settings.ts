/** Small preferences of this browser, kept across visits where storage is allowed. */

const prefix = "lectern.setting.";

export function setting<T extends number | boolean>(name: string, otherwise: T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(prefix + name) ?? "null");
    return typeof value === typeof otherwise ? (value as T) : otherwise;
  } catch {
    return otherwise;
  }
}

export function keepSetting(name: string, value: number | boolean): void {
  try {
    localStorage.setItem(prefix + name, JSON.stringify(value));
  } catch {
    // Storage is switched off: the preference lasts until the page is left.
  }
}
