import { colour } from './languages';

self.onmessage = (event: MessageEvent<{ id: number; text: string; language: string }>) => {
  const { id, text, language } = event.data;
  self.postMessage({ id, html: colour(text, language) });
};
