export async function send(text) {
  const r = await fetch('/api/chat', { method: 'POST', body: JSON.stringify({ text }) })
  return (await r.json()).text
}
