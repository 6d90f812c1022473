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
  const found = [...text.matchAll(WORDS)].filter(([word]) => wanted.has(word.toLowerCase()));
  // Only where the passage says it: a word alone elsewhere in it is a coincidence.
  const sentences = sentencesOf(text).map(({ from, to }) => {
    const hits = found.filter(({ index }) => index >= from && index < to);
    return { hits, distinct: new Set(hits.map(([word]) => word.toLowerCase())).size };
  });
  const most = Math.max(...sentences.map(({ distinct }) => distinct));
  const parts: Part[] = [];
  let from = 0;
  for (const { hits, distinct } of sentences) {
    if (distinct * 2 < most) continue;
    for (const { 0: word, index } of hits) {
      if (index > from) parts.push({ text: text.slice(from, index), hit: false });
      parts.push({ text: word, hit: true });
      from = index + word.length;
    }
  }
  if (from < text.length) parts.push({ text: text.slice(from), hit: false });
  return parts;
}

function sentencesOf(text: string): { from: number; to: number }[] {
  const all = [];
  let from = 0;
  for (const end of text.matchAll(/[.!?]\s+|[。！？\n]/g)) {
    all.push({ from, to: end.index + end[0].length });
    from = end.index + end[0].length;
  }
  return [...all, { from, to: text.length }];
}

/** What a citation mark stands behind: "… changes [1]." as well as "… changes. [1]" */
export const lastSentence = (text: string): string =>
  text
    .trimEnd()
    .split(/(?<=[.!?])\s+|(?<=[。！？])|\n/)
    .filter(Boolean)
    .at(-1) ?? '';
