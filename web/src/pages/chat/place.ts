/** Where a small card stands beside what it explains, within the window. */
export function placeOf(element: HTMLElement): Record<string, string> {
  const box = element.getBoundingClientRect();
  const left = Math.max(16, Math.min(box.left, window.innerWidth - 396));
  return box.top > 290
    ? { left: `${left}px`, bottom: `${window.innerHeight - box.top + 6}px` }
    : { left: `${left}px`, top: `${box.bottom + 6}px` };
}
