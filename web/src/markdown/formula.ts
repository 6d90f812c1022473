// Set by KaTeX as DOM nodes, not as HTML: its styles are properties then, which the Content-Security-Policy allows.
import katex from 'katex';
import 'katex/dist/katex.min.css';

export function formula(place: HTMLElement, tex: string, display: boolean) {
  try {
    katex.render(tex, place, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: 'ignore',
      maxExpand: 200,
      maxSize: 20,
    });
  } catch {
    place.textContent = tex; // no formula after all
  }
}
