/**
 * The one place that knows which engine answers.
 *
 * AI_BACKEND says it: ollama, vllm, or auto (vLLM when it is healthy at the start, else Ollama).
 * For vLLM the new names count first: VLLM_ENDPOINT, then the old address; VLLM_MODEL, then the old model.
 */
export const API_KEY = process.env.VLLM_API_KEY || 'EMPTY'
const DEFAULT = 'http://localhost:11434'
// Old variable, its default, new variable.
const MODELS: [string, string, string][] = [
]

/** With a scheme, without /v1. */
function plain(url: string): string {
  const whole = url.includes('://') ? url : `http://${url}`
  return whole.replace(/\/+$/, '').replace(/\/v1$/, '')
}

async function healthy(url: string): Promise<boolean> {
  try {
    const reply = await fetch(`${url}/v1/models`, {
      headers: { Authorization: `Bearer ${API_KEY}` },
      signal: AbortSignal.timeout(3000),
    })
    return reply.ok
  } catch {
    return false
  }
}

async function choose(): Promise<string> {
  const wanted = (process.env.AI_BACKEND || 'auto').toLowerCase()
  if (!['ollama', 'vllm', 'auto'].includes(wanted))
    throw new Error(`AI_BACKEND is '${wanted}'; it must be ollama, vllm or auto`)
  if (wanted !== 'auto') return wanted
  const endpoint = process.env.VLLM_ENDPOINT
  const chosen = endpoint && (await healthy(plain(endpoint))) ? 'vllm' : 'ollama'
  console.info(`AI_BACKEND=auto: ${chosen} answers`)
  return chosen
}

export const BACKEND = await choose()

/** The address that the program is configured with for Ollama; another one stays what it is. */
function isOld(url: string): boolean {
  const host = process.env.OLLAMA_HOST
  const known = [process.env.OLLAMA_URL, process.env.OLLAMA_BASE_URL, host,
    host && `${host}:${process.env.OLLAMA_PORT ?? '11434'}`, DEFAULT, 'http://127.0.0.1:11434']
  return known.some((one) => one && plain(one) === plain(url))
}

/** Where the engine is, without /v1. */
export function address(configured?: string): string {
  const wanted = configured || process.env.OLLAMA_HOST || DEFAULT
  const endpoint = process.env.VLLM_ENDPOINT
  return plain(BACKEND === 'vllm' && endpoint && isOld(wanted) ? endpoint : wanted)
}

/** What OpenAI's client wants. */
export function baseURL(configured?: string): string {
  return `${address(configured)}/v1`
}

/** The name under which the engine that answers has the model. */
export function model(configured: string): string {
  if (BACKEND === 'vllm')
    for (const [old, standard, fresh] of MODELS)
      if (configured === (process.env[old] || standard)) return process.env[fresh] || configured
  return configured
}
