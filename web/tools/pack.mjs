// Packs dist/ for the program: all files in one blob, each as brotli and gzip where that is worth it, and a table of
// C++ initialisers (src/serve/api/assets.hpp: Asset) sorted by path.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/site/', import.meta.url));
const out = fileURLToPath(new URL('../dist/packed/', import.meta.url));

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

const pieces = [];
let length = 0;
function keep(bytes) {
  const place = `piece(${length}, ${bytes.length})`;
  pieces.push(bytes);
  length += bytes.length;
  return place;
}

const paths = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .sort((a, b) => (a < b ? -1 : 1));
const rows = paths.map((path) => {
  const type = TYPES[extname(path)];
  if (!type) throw new Error(`${path}: no content type is known for it; add one to web/tools/pack.mjs`);
  const bytes = readFileSync(join(dist, path));
  const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const gzip = gzipSync(bytes, { level: 9 });
  const worth = gzip.length < bytes.length * 0.9;
  const [identity, br, gz] = worth ? ['{}', keep(brotli), keep(gzip)] : [keep(bytes), '{}', '{}'];
  return `    Asset{"${path}", "${type}", "${tag}", ${identity}, ${br}, ${gz}},\n`;
});

mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'assets.bin'), Buffer.concat(pieces));
writeFileSync(join(out, 'assets.inc'), rows.join(''));
