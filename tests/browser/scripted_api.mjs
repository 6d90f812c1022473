// Segue's API from a script, for looks and for what a real answer rarely does: every state of a page, hostile words in every place,
// a fixed pace. The page itself, and its headers, come from the real program. Whole flows are tested over the real API.
import { once } from 'node:events';
import http from 'node:http';
import * as company from './company.mjs';

export async function startScriptedApi(segueUrl, { mode = 'full' } = {}) {
  const api = {
    mode, // full, empty, error
    session: structuredClone(company.session),
    conversations: new Map(),
    branches: new Map(), // conversation → messages
    routes: {}, // "GET /segue/v1/x" → (request) => value, before everything else
    stream: null, // async (message, event, gone) => last message
    asked: [],
  };
  let last = 100;
  api.converse = (title, messages, more = {}) => {
    const id = `c${(last += 1)}`;
    let parent = null;
    const made = messages.map((one) => {
      const message = company.messageOf({ id: `m${(last += 1)}`, conversation: id, parent, ...one });
      if (!one.siblings) message.siblings = [message.id];
      parent = message.id;
      return message;
    });
    api.conversations.set(
      id,
      company.conversationOf(id, title, { messages: made.length, leaf: parent, ...more }),
    );
    api.branches.set(id, made);
    return { id, messages: made };
  };
  const find = (id) => [...api.branches.values()].flat().find((one) => one.id === id);
  const summary = (one) => ({ ...one, shared: one.share !== null, answering: false, match: null });
  const empty = () => api.mode === 'empty';

  async function answer(key, url, body) {
    const [, , , what, id, part] = url.pathname.split('/');
    switch (key.replace(/\/(c|m|d|p|k)\d+(?=\/|$)/, '/*')) {
      case 'GET session':
        return api.session;
      case 'POST session':
        return (api.session = structuredClone(company.session));
      case 'GET version':
        return { version: '0.1.0' };
      case 'GET models':
        return {
          models:
            api.models ??
            ['llama3.1:8b', 'qwen3:4b'].map((name) => ({
              name,
              alias: false,
              healthy: name !== 'qwen3:4b',
              balance: null,
              load: 'engines',
              capabilities: ['completion', 'vision'],
              targets: [{ engine: 'gpu-1', model: name }],
            })),
        };
      case 'GET engines':
        return { engines: empty() ? [] : (api.engines ?? company.engines) };
      case 'GET engines/cpu-1/log':
        return { changes: company.engineLog };
      case 'GET settings':
        return api.settings ?? company.settings;
      case 'GET presets':
        return {
          presets: empty()
            ? []
            : (api.presets ?? [
                {
                  id: 'x',
                  name: 'Short answers',
                  text: 'Answer in three sentences.',
                  shared: true,
                  mine: false,
                },
              ]),
        };
      case 'GET collections':
        return { collections: empty() ? [] : (api.collections ?? company.collections) };
      case 'GET collections/handbook/documents':
      case 'GET collections/segue/documents':
        return {
          documents: empty() ? [] : (api.documents ?? company.documents),
          total: empty() ? 0 : 128,
          next: null,
        };
      case 'GET documents/*/text':
        return {
          document: api.documents?.[0] ?? company.documents[0],
          passages: api.passages ?? company.passages,
          next: null,
        };
      case 'POST search':
        return {
          mode: 'hybrid',
          vector: 'used',
          took_ms: 23.4,
          total: empty() ? 0 : 61,
          hits: empty() ? [] : (api.hits ?? company.hits),
        };
      case 'GET people':
        return { people: api.people ?? company.people };
      case 'GET keys':
        return { keys: empty() ? [] : (api.keys ?? company.keys) };
      case 'GET activity':
        return { entries: empty() ? [] : (api.activity ?? company.activity), next: null };
      case 'GET traffic': {
        const traffic = company.traffic(url.searchParams.get('by'));
        if (empty()) traffic.series[0].summary.requests = 0;
        return traffic;
      }
      case 'GET conversations':
        return { conversations: empty() ? [] : [...api.conversations.values()].map(summary), next: null };
      case 'POST conversations':
        return api.conversations.get(api.converse('', [], { collections: body.collections ?? [] }).id);
      case 'GET conversations/*':
        return api.conversations.get(id);
      case 'PATCH conversations/*':
        return Object.assign(api.conversations.get(id), body);
      case 'GET conversations/*/messages': {
        const all = api.branches.get(id);
        const before = url.searchParams.get('before');
        const end = before ? all.findIndex((one) => one.id === before) : all.length;
        const from = Math.max(0, end - Number(url.searchParams.get('limit') ?? 200));
        return {
          messages: all.slice(from, end),
          leaf: all.at(-1)?.id ?? null,
          earlier: from > 0 ? all[from].id : null,
        };
      }
      case 'POST conversations/*/messages': {
        api.asked.push(body);
        const question = company.messageOf({
          id: `m${(last += 1)}`,
          conversation: id,
          parent: body.parent ?? null,
          text: body.text,
        });
        const running = company.messageOf({
          id: `m${(last += 1)}`,
          conversation: id,
          parent: question.id,
          role: 'assistant',
          state: 'running',
        });
        question.siblings = [question.id];
        running.siblings = [running.id];
        api.branches.get(id).push(question, running);
        return { question, answer: running };
      }
      case 'GET shared/token':
        return api.shared;
      case 'GET messages/*':
        return find(id);
      case 'POST messages/*/stop':
        return Object.assign(find(id), { state: 'stopped' });
      default:
        return undefined;
    }
  }

  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    let body = '';
    for await (const piece of request) body += piece;
    const json = (value, status = 200) => {
      response.writeHead(status, {
        'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
      });
      response.end(JSON.stringify(value));
    };
    if (!url.pathname.startsWith('/segue/')) {
      const page = await fetch(segueUrl + request.url, {
        headers: { 'Accept-Encoding': 'identity', Accept: request.headers.accept ?? '' },
        redirect: 'manual',
      });
      const headers = Object.fromEntries(
        [...page.headers].filter(
          ([name]) => !/^(content-length|content-encoding|transfer-encoding|connection|date)$/.test(name),
        ),
      );
      response.writeHead(page.status, headers);
      return response.end(Buffer.from(await page.arrayBuffer()));
    }
    const key = `${request.method} ${url.pathname.slice('/segue/v1/'.length)}`;
    const given = /json/.test(request.headers['content-type'] ?? '') && body ? JSON.parse(body) : {};
    const own = api.routes[key];
    if (own) return own(response, given, json);
    if (/^GET messages\/[^/]+\/events$/.test(key)) {
      const message = find(url.pathname.split('/')[4]);
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      let id = 0;
      const event = (type, value = {}) =>
        response.write(`id: ${(id += 1)}\nevent: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`);
      const kept = await api.stream(message, event, () => response.destroyed || message.state !== 'running');
      if (response.destroyed) return;
      Object.assign(message, kept);
      event('finished', { message });
      return response.end();
    }
    if (api.mode === 'error' && !/^GET (session|version|engines|models|collections)$/.test(key))
      return json(
        {
          type: 'about:blank',
          title: 'Internal Server Error',
          status: 500,
          detail: 'the database does not answer; run segue store status',
        },
        500,
      );
    const value = await answer(key, url, given);
    if (value === undefined)
      return json(
        { type: 'about:blank', title: 'Not Found', status: 404, detail: `there is no ${key}` },
        404,
      );
    json(value, request.method === 'POST' && /messages$/.test(key) ? 202 : 200);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  api.url = `http://127.0.0.1:${server.address().port}`;
  api.stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return api;
}
