import axios from 'axios';

const url = 'http://localhost:11434';

export async function ask(content: string) {
  const response = await axios.post(`${url}/api/chat`, {
    model: 'llama3.1:8b',
    messages: [{ role: 'user', content }],
    stream: false,
  });
  return response.data.message.content;
}
