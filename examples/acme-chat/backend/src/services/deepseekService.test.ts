import { describe, expect, it } from 'vitest'
import { analyse, withoutThoughts } from './deepseekService'

describe('analyse', () => {
  it('answers', async () => {
    const analysis = await analyse('How many seats has the large hall?', ['The large hall has 120 seats.'])
    expect(analysis.text).not.toBe('')
    expect(analysis.promptTokens).toBeGreaterThan(0)
    expect(analysis.answerTokens).toBeGreaterThan(0)
  })
})

describe('withoutThoughts', () => {
  it('leaves the answer', () => {
    expect(withoutThoughts('<think>Hm.\nSeats.</think>\n\n120 seats.')).toBe('120 seats.')
    expect(withoutThoughts('120 seats.')).toBe('120 seats.')
  })
})
