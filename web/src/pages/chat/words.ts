// The words of a sentence, found again in the passage that it cites.
export interface Part {
  text: string;
  hit: boolean;
}

const WORDS = /[\p{L}\p{N}][\p{L}\p{N}_.-]*[\p{L}\p{N}]|\p{Script=Han}/gu;
const LEAST = 4; // shorter ones are in every sentence

export function markWords(text: string, sentence: string): Part[] {
  const wanted = new Set(
    [...sentence.toLowerCase().matchAll(WORDS)]
      .map(([word]) => word)
      .filter((word) => word.length >= LEAST || /\p{Script=Han}|\d/u.test(word)),
  );
  if (!wanted.size) return [{ text, hit: false }];
  const parts: Part[] = [];
  let from = 0;
  for (const found of text.matchAll(WORDS)) {
    if (!wanted.has(found[0].toLowerCase())) continue;
    if (found.index > from) parts.push({ text: text.slice(from, found.index), hit: false });
    parts.push({ text: found[0], hit: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), hit: false });
  return parts;
}
