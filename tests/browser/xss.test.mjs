// Hostile words in every place that shows words: nothing runs, nothing is loaded from elsewhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as company from './company.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, openPage, sleep, startSegue } from './stage.mjs';

const corpus = readFileSync(new URL('./xss.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
let segue, browser, api;
before(async () => {
  [segue, browser] = await Promise.all([startSegue(), launch()]);
  api = await startScriptedApi(segue.url);
});
after(async () => {
  await browser?.close();
  await api?.stop();
  await segue?.stop();
});

test(`${corpus.length} payloads in answers: finished, streamed, thought, called, cited`, async () => {
  assert.ok(corpus.length >= 150);
  const answerOf = (text) => `${text}\n\n> ${text}\n\n| a |\n|---|\n| ${text} |\n\n[1]`;
  const messages = corpus.flatMap((text, at) => [
    { text },
    {
      ...{
        role: 'assistant',
        text: answerOf(text),
        sources: [{ ...company.sources[0], text, title: text, heading: [text] }],
      },
      ...{
        citations: [
          {
            n: 1,
            start: answerOf(text).length - 3,
            end: answerOf(text).length,
            supported: true,
            reason: null,
          },
        ],
        reasoning: text,
        record: { ...company.record, model: text, finish_reason: text },
      },
      tool_calls: at % 10 === 0 ? [{ id: 't', name: text, arguments: text, result: text }] : [],
    },
  ]);
  const { id } = api.converse('All', messages);
  // listMessages gives pages of 100; the whole is wanted at once.
  api.routes[`GET conversations/${id}/messages`] = (_, __, json) =>
    json({ messages: api.branches.get(id), leaf: null, earlier: null });
  const page = await openPage(browser);
  await page.goto(`${api.url}/ui/chat/${id}`);
  await page.locator('.answer .prose .block').nth(corpus.length).waitFor({ state: 'attached' });
  // What lies outside the window is drawn, too, and everything folded is open.
  await page.evaluate(() => {
    for (const one of document.querySelectorAll('.entry')) one.style.contentVisibility = 'visible';
    for (const one of document.querySelectorAll('details')) one.open = true;
  });
  await sleep(500);
  const dangerous = await page.evaluate(() =>
    [...document.querySelectorAll('.inner *')]
      .filter(
        (one) =>
          /^(SCRIPT|IFRAME|OBJECT|EMBED|LINK|META|BASE|IMG|VIDEO|AUDIO|STYLE)$/i.test(one.tagName) ||
          [...one.attributes].some(
            ({ name, value }) =>
              /^on/i.test(name) || (name === 'href' && /^\s*(javascript|data|vbscript)/i.test(value)),
          ),
      )
      .map((one) => one.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(dangerous, []);
  await page.locator('a.cite').first().click();
  page.clean();
  await page.context().close();
});

test('payloads while they stream, in pieces', async () => {
  const { id } = api.converse('Streamed', []);
  api.stream = async (message, event) => {
    const text = corpus.map((one) => `${one}\n\n`).join('');
    event('sources', { sources: company.sources, vector: 'used', took_ms: 1 });
    for (let at = 0; at < text.length; at += 97) {
      event('text', { text: text.slice(at, at + 97) });
      if (at % 970 === 0) await sleep(4);
    }
    return {
      state: 'complete',
      text,
      sources: company.sources,
      citations: company.citationsOf(text),
      record: company.record,
    };
  };
  const page = await openPage(browser);
  await page.goto(`${api.url}/ui/chat/${id}`);
  await page.getByRole('textbox', { name: 'Question' }).fill('Go');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Answer again' }).waitFor();
  page.clean();
  await page.context().close();
});

test('payloads as titles, file names, passages, names of people, keys, engines, models, settings, instructions; in what is shared', async () => {
  for (const [at, text] of corpus.entries()) if (at % 2 === 0) api.converse(text, [{ text }]);
  api.documents = corpus.map((text, at) => ({
    ...company.documents[at % 2],
    id: `d${at}`,
    path: text,
    title: text,
    problem: at % 2 ? text : null,
  }));
  api.collections = [
    { ...company.collections[1], name: corpus[13], description: corpus[28] },
    company.collections[0],
  ];
  api.passages = corpus.map((text, at) => ({ ...company.passages[0], id: `q${at}`, text, heading: [text] }));
  api.hits = corpus.map((text, at) => ({
    ...company.hits[0],
    passage: `q${at}`,
    title: text,
    path: text,
    snippet: `\u0002${text}\u0003 ${text}`,
    heading: [text],
  }));
  api.people = corpus.map((text, at) => ({ ...company.people[1], id: `p${at}`, name: text, login: text }));
  api.keys = corpus.map((text, at) => ({ ...company.keys[0], id: `k${at}`, name: text, models: [text] }));
  api.activity = corpus.map((text, at) => ({
    ...company.activity[0],
    id: `a${at}`,
    person_name: text,
    action: text,
    target: text,
    detail: { x: text },
  }));
  api.engines = corpus.map((text, at) => ({
    ...company.engines[1],
    name: text,
    url: text,
    version: text,
    problem: text,
    breaker: { ...company.engines[1].breaker, reason: text },
    models: [{ name: text, max_model_len: at }],
  }));
  api.models = corpus.map((text) => ({
    name: text,
    alias: false,
    healthy: false,
    balance: null,
    load: 'engines',
    capabilities: [],
    targets: [],
  }));
  api.presets = corpus.map((text, at) => ({ id: `x${at}`, name: text, text, shared: true, mine: true }));
  api.settings = {
    file: corpus[0],
    settings: corpus.map((text) => ({ name: text, value: text, source: 'file', environment: text })),
  };
  api.shared = {
    title: corpus[15],
    owner: corpus[16],
    created_at: company.ago(9),
    messages: corpus.map((text, at) =>
      company.messageOf({ id: `s${at}`, role: at % 2 ? 'assistant' : 'user', text }),
    ),
  };
  api.routes['GET traffic'] = (_, __, json) => {
    const [one] = company.traffic('all').series;
    json({
      ...company.traffic('all'),
      series: corpus.map((text) => ({ ...one, model: text })),
      marks: corpus.map((text, at) => ({ at: company.ago(at * 9), kind: 'engine_down', text })),
    });
  };
  const page = await openPage(browser);
  for (const [path, ready] of [
    ['chat', '.row'],
    ['documents/handbook', '.documents li'],
    ['document/d0?passage=q3', '.passage'],
    ['search?q=x&explain=1', '.hits li'],
    ['people', 'main li'],
    ['people/keys', 'main li'],
    ['activity', 'main li'],
    ['engines', 'article'],
    ['settings', '.values > div'],
    ['shared/token', '.answer'],
    ['traffic?by=model', 'canvas'],
  ]) {
    await page.goto(`${api.url}/ui/${path}`);
    await page.locator(ready).first().waitFor();
    await sleep(150);
    page.clean();
  }
  await page.keyboard.press('Control+k');
  await page.getByRole('option').nth(20).waitFor();
  page.clean();
  // And the page is still itself: a script put in by force is refused.
  const blocked = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.ranInline = true';
    document.body.append(script);
    const image = document.createElement('img');
    const refused = new Promise((done) =>
      document.addEventListener(
        'securitypolicyviolation',
        (event) => event.effectiveDirective === 'img-src' && done(true),
      ),
    );
    image.src = 'https://evil.example/x.png';
    document.body.append(image);
    return [window.ranInline ?? false, await refused];
  });
  assert.deepEqual(blocked, [false, true]);
});
