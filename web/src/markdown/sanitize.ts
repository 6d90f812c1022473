// The last gate before the DOM: whatever made the HTML, only these tags and attributes pass.
import DOMPurify from 'dompurify';

const purifier = DOMPurify(window);

purifier.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  const href = node.getAttribute('href') ?? '';
  if (/^#source-\d+$/.test(href)) return;
  if (!/^(https?:|mailto:)/i.test(href)) {
    node.removeAttribute('href');
    return;
  }
  node.setAttribute('rel', 'noopener noreferrer');
  node.setAttribute('target', '_blank');
  node.setAttribute('title', href);
});

const CONFIG = {
  ALLOWED_TAGS: [
    ...[
      'a',
      'p',
      'br',
      'hr',
      'strong',
      'em',
      's',
      'code',
      'pre',
      'blockquote',
      'ul',
      'ol',
      'li',
      'div',
      'span',
    ],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'mark'],
  ],
  ALLOWED_ATTR: ['href', 'class', 'start', 'tabindex', 'data-cite', 'data-why', 'data-tex'],
  // Attributes that hold no address; the others must look like one.
  ADD_URI_SAFE_ATTR: ['start', 'tabindex', 'data-cite', 'data-why', 'data-tex'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#source-\d+$)/i,
  RETURN_DOM_FRAGMENT: true,
} as const;

export function sanitized(html: string): DocumentFragment {
  const made: DocumentFragment | null = purifier.sanitize(html, {
    ...CONFIG,
    ALLOWED_TAGS: [...CONFIG.ALLOWED_TAGS],
    ALLOWED_ATTR: [...CONFIG.ALLOWED_ATTR],
    ADD_URI_SAFE_ATTR: [...CONFIG.ADD_URI_SAFE_ATTR],
  });
  return made ?? document.createDocumentFragment(); // of a frameset nothing is left
}
