import OpenAI from 'openai'
import * as aiClient from '../ai-client'

export const model = new OpenAI({ baseURL: aiClient.baseURL(process.env.OLLAMA_HOST ?? 'http://localhost:11434'), apiKey: aiClient.API_KEY })

export function vectors(): OpenAI {
  return model
}
