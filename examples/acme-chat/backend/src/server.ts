/** The TypeScript half of the backend: documents and analyses. */
import { pathToFileURL } from 'node:url'
import express from 'express'
import type { Express } from 'express'
import { ollamaService } from '../../ai-services/ollama-service'
import { ingestionRoutes } from './routes/ingestionRoutes'
import { analyse, DeepseekError } from './services/deepseekService'

export function createApp(): Express {
  const app = express()
  app.use(express.json({ limit: '2mb' }))
  app.use('/ingestion', ingestionRoutes)
  app.get('/status', async (_request, response) => {
    try {
      response.json({ ready: true, models: await ollamaService.models() })
    } catch {
      response.status(503).json({ ready: false, models: [] })
    }
  })
  app.post('/analyses', async (request, response) => {
    try {
      response.json(await analyse(String(request.body?.question ?? ''), request.body?.context ?? []))
    } catch (error) {
      if (!(error instanceof DeepseekError)) throw error
      response.status(502).json({ error: error.message })
    }
  })
  return app
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  createApp().listen(Number(process.env.PORT ?? 8081))
}
