import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const backend = process.env.BACKEND_URL ?? 'http://localhost:8080'

export default defineConfig({
  plugins: [vue()],
  server: { proxy: { '/api': backend, '/about': backend } },
})
