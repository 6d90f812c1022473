import { defineConfig } from 'vitest/config'

// The tests ask a real language model, which may be slow.
export default defineConfig({
  test: { include: ['{ai-services,backend,frontend}/**/*.test.ts'], testTimeout: 60_000 },
})
