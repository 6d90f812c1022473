/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';

// `npm run dev` shows the page from its sources, over a Segue that runs beside it.
const segue = process.env['SEGUE_URL'] ?? 'http://127.0.0.1:8484';

/** KaTeX names each font three times; every browser that this page runs in takes woff2. */
const onlyWoff2: Plugin = {
  name: 'only-woff2',
  enforce: 'pre',
  transform: (code, id) =>
    /katex(\.min)?\.css$/.test(id)
      ? code.replace(/,\s*url\([^)]*\.(woff|ttf)\)\s*format\([^)]*\)/g, '')
      : null,
};

export default defineConfig({
  base: '/ui/',
  plugins: [onlyWoff2, vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  server: { proxy: { '/segue': segue, '/livez': segue, '/readyz': segue } },
  build: {
    outDir: 'dist/site',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the Content-Security-Policy wants files
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/lib/testSetup.ts'],
    restoreMocks: true,
    isolate: false, // a jsdom for each worker, not for each file
    maxWorkers: 2,
  },
});
