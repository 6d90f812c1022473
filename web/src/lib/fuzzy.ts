// Which names a few typed letters mean: all of them in order; a word's beginning counts most, a run of letters next.
export function score(name: string, wanted: string): number {
  const text = name.toLocaleLowerCase();
  const letters = [...wanted.toLocaleLowerCase().replace(/\s+/g, '')];
  const whole = text.indexOf(wanted.toLocaleLowerCase().trim());
  let total = whole === 0 ? 40 : whole > 0 ? 20 : 0;
  let from = 0;
  let last = -2;
  for (const letter of letters) {
    const found = text.indexOf(letter, from);
    if (found < 0) return 0;
    total += found === last + 1 ? 4 : 1;
    if (found === 0 || /[\s\-_/.:]/.test(text[found - 1] ?? '')) total += 6;
    last = found;
    from = found + letter.length;
  }
  return total - text.length / 200;
}

export function rank<T>(items: readonly T[], wanted: string, name: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, value: score(name(item), wanted) }))
    .filter((one) => one.value > 0)
    .sort((a, b) => b.value - a.value)
    .map((one) => one.item);
}
