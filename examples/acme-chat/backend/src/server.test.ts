import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from './server'
import { cut } from './routes/ingestionRoutes'

let server: Server
let url: string

beforeAll(async () => {
  server = createServer(createApp())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => server.close())

async function send(body: unknown): Promise<Response> {
  return fetch(`${url}/ingestion/documents`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

describe('status', () => {
  it('is ready while the models can be listed', async () => {
    const status = await (await fetch(`${url}/status`)).json()
    expect(status.ready).toBe(true)
    expect(status.models.length).toBeGreaterThan(0)
  })
})

describe('ingestion', () => {
  it.skipIf(process.env.ACME_NO_EMBEDDINGS)('finds the passage that answers', async () => {
    expect((await send({ name: 'travel', text: 'Trains are booked by the travel desk.' })).status).toBe(201)
    expect((await send({ name: 'canteen', text: 'The canteen opens at noon on weekdays.' })).status).toBe(201)
    const reply = await fetch(`${url}/ingestion/search?q=${encodeURIComponent('The canteen opens when?')}`)
    const { passages } = await reply.json()
    expect(passages[0].document).toBe('canteen')
  })

  it('wants a name and a text', async () => {
    expect((await send({ name: 'empty', text: ' ' })).status).toBe(400)
  })

  it('cuts at paragraphs', () => {
    expect(cut('one\n\ntwo\n\nthree', 9)).toEqual(['one\n\ntwo', 'three'])
  })
})
