import axios from 'axios';

const url = 'http://localhost:8000';

export async function ask(content: string) {
  const response = await axios.post(`${url}/v1/chat/completions`, {
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    messages: [{ role: 'user', content }],
    stream: false,
  });
  return response.data.choices[0].message.content ?? '';
}
