// Markdown of an answer as blocks. While it streams, only the last block is made anew: what is closed keeps its object, and so
// its DOM nodes. HTML in the text stays text; images are shown as their address (a remote image would tell somebody that, and
// what, one reads); formulae are placeholders that SafeHtml fills in.
import MarkdownIt, {
  type Env as ParserEnv,
  type StateBlock,
  type StateInline,
  type Token,
} from 'markdown-it';

export type Block =
  { kind: 'html'; html: string } | { kind: 'code'; language: string; text: string; closed: boolean };

export type Cite = {
  n: number;
  supported: boolean;
  reason: 'no_such_source' | 'not_enough_in_common' | null;
};

interface Env extends ParserEnv {
  /** Numbers that are sources; a mark of another number is plain text while it streams. */
  sources?: ReadonlySet<number>;
  /** When the answer is over: what was checked, by its index. */
  cites?: readonly Cite[];
}

// A checked mark is put into the text as these, so that its place survives whatever Markdown is around it.
const OPEN = '\uE000';
const CLOSE = '\uE001';
const SEALED = /\uE000(\d+)\uE001/g;

/** The text with each checked mark sealed. Places are UTF-16 code units, in order. */
export function sealCites(text: string, places: readonly { start: number; end: number }[]): string {
  let sealed = '';
  let from = 0;
  for (const [index, { start, end }] of places.entries()) {
    if (start < from || end > text.length) continue;
    sealed += clean(text.slice(from, start)) + OPEN + index + CLOSE;
    from = end;
  }
  return sealed + clean(text.slice(from));
}
const clean = (text: string) => text.replace(/[\uE000\uE001]/g, '');

function citeRule(state: StateInline, silent: boolean): boolean {
  const env = state.env as Env;
  const code = state.src.charCodeAt(state.pos);
  if (code === 0xe000) {
    SEALED.lastIndex = state.pos;
    const found = SEALED.exec(state.src);
    const cite = found?.index === state.pos ? env.cites?.[Number(found[1])] : undefined;
    if (!found || !cite) return false;
    if (!silent) state.push('cite', '', 0).meta = cite;
    state.pos += found[0].length;
    return true;
  }
  if (code !== 0x5b || env.cites || !env.sources?.size) return false;
  const found = /^\[(\d{1,3})\](?![([:])/.exec(state.src.slice(state.pos, state.pos + 7));
  const n = Number(found?.[1]);
  if (!found || !env.sources.has(n)) return false;
  if (!silent) state.push('cite', '', 0).meta = { n, supported: true, reason: null } satisfies Cite;
  state.pos += found[0].length;
  return true;
}

function mathInline(state: StateInline, silent: boolean): boolean {
  const rest = state.src.slice(state.pos, state.pos + 2000);
  // $x$ with something other than a blank inside its ends, and no digit behind it: prices are no formulae.
  const found =
    /^\$\$([^$\n]+)\$\$/.exec(rest) ??
    /^\$(?![\s$])((?:[^$\\\n]|\\.)+?)(?<!\s)\$(?!\d)/.exec(rest) ??
    /^\\\((.+?)\\\)/.exec(rest);
  if (!found) return false;
  if (!silent) {
    const token = state.push('math_inline', '', 0);
    token.content = found[1] ?? '';
  }
  state.pos += found[0].length;
  return true;
}

function mathBlock(state: StateBlock, start: number, end: number, silent: boolean): boolean {
  const line = (at: number) =>
    state.src.slice((state.bMarks[at] ?? 0) + (state.tShift[at] ?? 0), state.eMarks[at]);
  const first = line(start);
  const open = first.startsWith('$$') ? '$$' : first.startsWith('\\[') ? '\\[' : '';
  if (!open) return false;
  const close = open === '$$' ? '$$' : '\\]';
  if (silent) return true;
  const rows: string[] = [];
  let at = start;
  let closed = false;
  for (; at < end && !closed; at += 1) {
    let row = at === start ? first.slice(2) : line(at);
    const stop = row.indexOf(close);
    if (stop >= 0) {
      if (row.slice(stop + 2).trim()) return false;
      row = row.slice(0, stop);
      closed = true;
    }
    rows.push(row);
  }
  if (!closed && end < state.lineMax) return false;
  const token = state.push('math_block', '', 0);
  token.block = true;
  token.content = rows.join('\n').trim();
  token.map = [start, at];
  state.line = at;
  return true;
}

const md = new MarkdownIt({ html: false, linkify: true, breaks: false });
md.validateLink = (url) => /^(https?:|mailto:)/i.test(url.trim());
md.inline.ruler.before('link', 'cite', citeRule);
md.inline.ruler.before('escape', 'math', mathInline);
md.block.ruler.before('fence', 'math', mathBlock, { alt: ['paragraph', 'blockquote', 'list'] });
// The text rule must stop at what begins a formula or a sealed mark.
md.inline.ruler.at('text', (state, silent) => {
  let at = state.pos;
  while (at < state.posMax && !isTerminator(state.src.charCodeAt(at))) at += 1;
  if (at === state.pos) return false;
  if (!silent) state.pending += state.src.slice(state.pos, at);
  state.pos = at;
  return true;
});
const TERMINATORS = new Set([...'\n$%&*+-:<=>@[\\]^_`{}~!#\uE000'].map((one) => one.charCodeAt(0)));
const isTerminator = (code: number) => TERMINATORS.has(code);

const escape = md.utils.escapeHtml;
const rules = md.renderer.rules;
rules['cite'] = (tokens, at) => {
  const cite = tokens[at]?.meta as Cite | undefined;
  if (!cite) return '';
  const state = cite.supported ? '' : ` data-why="${cite.reason ?? ''}"`;
  return `<a class="cite" href="#source-${cite.n}" data-cite="${cite.n}"${state}>${cite.n}</a>`;
};
rules['math_inline'] = (tokens, at) => {
  const tex = escape(tokens[at]?.content ?? '');
  return `<span class="math" data-tex="${tex}">${tex}</span>`;
};
rules['math_block'] = (tokens, at) => {
  const tex = escape(tokens[at]?.content ?? '');
  return `<div class="math display" data-tex="${tex}">${tex}</div>\n`;
};
rules['image'] = (tokens, at, options, env, self) => {
  const token = tokens[at];
  const url = escape(String(token?.attrGet('src') ?? ''));
  const words = escape(token ? self.renderInlineAsText(token.children ?? [], options, env) : '');
  return `<a href="${url}">${words ? `${words} ` : ''}(${url})</a>`;
};
// What a column is aligned by: a class, since the Content-Security-Policy allows no style attribute.
for (const name of ['th_open', 'td_open'])
  rules[name] = (tokens, at, options, _env, self) => {
    const token = tokens[at];
    const style = token?.attrGet('style');
    if (token && style) {
      token.attrs = (token.attrs ?? []).filter(([key]) => key !== 'style');
      token.attrSet('class', String(style).replace('text-align:', 'align-'));
    }
    return self.renderToken(tokens, at, options);
  };
rules['table_open'] = () => '<div class="wide" tabindex="0"><table>\n';
rules['table_close'] = () => '</table></div>\n';
rules['code_inline'] = (tokens, at) => `<code>${escape(tokens[at]?.content ?? '')}</code>`;

/** In code a sealed mark is what was written there. */
function unseal(tokens: Token[], cites: readonly Cite[] | undefined) {
  for (const token of tokens) {
    if (/^(fence|code_block|code_inline|math_inline|math_block)$/.test(token.type))
      token.content = token.content.replace(SEALED, (_, index) => `[${cites?.[Number(index)]?.n ?? index}]`);
    if (token.children) unseal(token.children, cites);
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

export class AnswerText {
  private blocks: Block[] = [];
  private closed = 0; // how many of them are final
  private done = ''; // the text that they came from
  private env: Env = {};

  /** The blocks of `text`, which is what was there before and more of it. */
  update(text: string, sources: ReadonlySet<number>): readonly Block[] {
    if (!text.startsWith(this.done) || this.env.cites) this.restart();
    this.env.sources = sources;
    return this.parse(clean(text));
  }

  /** The whole text, with the marks that were checked. Blocks that did not change keep their objects. */
  finish(
    text: string,
    places: readonly { start: number; end: number }[],
    cites: readonly Cite[],
  ): readonly Block[] {
    const before = this.blocks;
    this.restart();
    this.env.cites = cites;
    const after = this.parse(sealCites(text, places));
    this.blocks = after.map((block, at) => kept(block, before[at]));
    return this.blocks;
  }

  private restart() {
    this.blocks = [];
    this.closed = 0;
    this.done = '';
    this.env = {};
  }

  private parse(text: string): readonly Block[] {
    const rest = text.slice(this.done.length);
    const tokens = md.parse(rest, this.env);
    unseal(tokens, this.env.cites);
    const starts = lineStarts(rest);
    const made: { block: Block; from: number }[] = [];
    for (let at = 0; at < tokens.length;) {
      let end = at + 1;
      if (tokens[at]?.nesting === 1) {
        for (let depth = 1; depth > 0 && end < tokens.length; end += 1) depth += tokens[end]?.nesting ?? 0;
      }
      const first = tokens[at];
      const from = starts[first?.map?.[0] ?? 0] ?? 0;
      if (first) made.push({ block: this.blockOf(tokens.slice(at, end), first, rest, starts), from });
      at = end;
    }
    const old = this.blocks.slice(this.closed);
    this.blocks.length = this.closed;
    for (const [at, one] of made.entries()) this.blocks.push(kept(one.block, old[at]));
    const last = made.at(-1);
    if (last && made.length > 1) {
      this.closed += made.length - 1;
      this.done += rest.slice(0, last.from);
    }
    return [...this.blocks];
  }

  private blockOf(tokens: Token[], first: Token, rest: string, starts: number[]): Block {
    if (first.type === 'fence' || first.type === 'code_block') {
      const [from, to] = first.map ?? [0, 0];
      const lastLine = rest.slice(starts[to - 1], starts[to] ?? rest.length).trim();
      const closed = first.type === 'code_block' || (to - 1 > from && lastLine.startsWith(first.markup));
      return {
        kind: 'code',
        language: first.info.trim().split(/\s+/)[0] ?? '',
        text: first.content.replace(/\n$/, ''),
        closed,
      };
    }
    return { kind: 'html', html: md.renderer.render(tokens, md.options, this.env) };
  }
}

/** The old object where nothing changed: its DOM nodes stay. */
function kept(fresh: Block, old: Block | undefined): Block {
  return old && same(fresh, old) ? old : fresh;
}

function same(a: Block, b: Block): boolean {
  if (a.kind === 'html') return b.kind === 'html' && a.html === b.html;
  return b.kind === 'code' && a.text === b.text && a.closed === b.closed && a.language === b.language;
}
