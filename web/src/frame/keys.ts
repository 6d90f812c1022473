// All shortcuts of the page, in one list that `?` shows. Single letters can be switched off (Settings), as WCAG 2.1.4 asks.
import { onScopeDispose, ref, shallowReactive } from 'vue';

export interface Shortcut {
  /** "mod+k" (Ctrl, or Cmd on a Mac), "?", "/", "g e" (one after the other), "[" */
  keys: string;
  /** Key of the text that says what it does; without one it is not listed. */
  text?: string;
  run: (event: KeyboardEvent) => unknown;
}

const shortcuts = shallowReactive(new Set<Shortcut>());
export const listedShortcuts = () => [...shortcuts].filter((one) => one.text);
export const singleKeys = ref(localStorage.getItem('segue.singleKeys') !== 'off');
export function setSingleKeys(on: boolean) {
  singleKeys.value = on;
  localStorage.setItem('segue.singleKeys', on ? 'on' : 'off');
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
export function shownKeys(keys: string): string[] {
  return keys
    .split(/[ +]/)
    .map((key) => (key === 'mod' ? (isMac ? '⌘' : 'Ctrl') : key.length === 1 ? key.toUpperCase() : key));
}

export function useShortcuts(list: Shortcut[]) {
  for (const one of list) shortcuts.add(one);
  onScopeDispose(() => {
    for (const one of list) shortcuts.delete(one);
  });
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      target.closest('[role=menu],[role=dialog]') !== null)
  );
}

let first = '';
let firstAt = 0;

export function onKeydown(event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing) return;
  const modified = event.ctrlKey || event.metaKey;
  let keys = event.key.toLowerCase();
  if (modified) keys = `mod+${keys}`;
  else if (event.altKey) return;
  else if (isTyping(event.target) || !singleKeys.value) return;
  const sequence = first && event.timeStamp - firstAt < 1200 ? `${first} ${keys}` : '';
  for (const one of [...shortcuts].reverse()) {
    if (one.keys !== keys && one.keys !== sequence) continue;
    event.preventDefault();
    first = '';
    one.run(event);
    return;
  }
  first = keys;
  firstAt = event.timeStamp;
}
