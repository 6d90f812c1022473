// What the browser tests stand on: the real program, a Chromium, and engines whose answers are known.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const web = createRequire(join(ROOT, 'web/package.json'));
const { chromium } = web('playwright-core');
const AXE = readFileSync(web.resolve('axe-core/axe.min.js'), 'utf8');

/** SEGUE_BIN, else the newest build of this checkout. */
function binary() {
  if (process.env.SEGUE_BIN) return resolve(process.env.SEGUE_BIN);
  const built = readdirSync(join(ROOT, 'build'))
    .map((name) => join(ROOT, 'build', name, 'segue'))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  assert.ok(built[0], 'no segue binary: set SEGUE_BIN or build one');
  return built[0];
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export async function until(condition, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(
      Date.now() < end,
      `did not come true in ${seconds} s: ${typeof what === 'function' ? what() : what}`,
    );
    await sleep(25);
  }
}

/** `segue serve` as a user would start it, on a free port. `database`: a private one of its own. */
export async function startSegue({ config = {}, database = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'segue-browser-'));
  const portFile = join(folder, 'port');
  writeFileSync(join(folder, 'segue.yaml'), JSON.stringify({ listen: '127.0.0.1:0', ...config }));
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SEGUE_|OLLAMA_|VLLM_|AI_BACKEND|DATABASE_URL|OTEL_|NOTIFY_SOCKET|LISTEN_)/.test(name),
    ),
  );
  const env = {
    ...clean,
    HOME: folder,
    SEGUE_DATA_DIR: join(folder, 'data'),
    SEGUE_DATABASE: database ? 'private' : 'none',
  };
  const child = spawn(binary(), ['serve', '--config', join(folder, 'segue.yaml'), '--port-file', portFile], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const segue = { child, folder, log: '', url: '', data: join(folder, 'data') };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (segue.log += bytes));
  await until(
    () => {
      assert.equal(child.exitCode, null, `segue ended: ${segue.log}`);
      return existsSync(portFile) && readFileSync(portFile, 'utf8').trim();
    },
    () => segue.log,
    60,
  );
  segue.url = `http://127.0.0.1:${readFileSync(portFile, 'utf8').trim().split(':').at(-1)}`;
  await until(
    async () => (await fetch(`${segue.url}/livez`).catch(() => null))?.ok,
    () => segue.log,
  );
  if (database)
    await until(
      async () => (await (await fetch(`${segue.url}/segue/v1/session`)).json()).store.state === 'ready',
      () => segue.log,
      90,
    );
  /** What its database answers. */
  segue.sql = (text) => {
    const psql = spawnSync(
      binary(),
      ['store', 'psql', '--', '-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', text],
      { cwd: folder, env, encoding: 'utf8' },
    );
    assert.equal(psql.status, 0, psql.stderr);
    return psql.stdout.trim();
  };
  segue.stop = async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await once(child, 'exit');
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return segue;
}

export const PASSWORD = 'correct horse battery';
/** By the link that the first start prints: the administrator Ada, who lands in the chat. */
export async function setUp(segue, page) {
  const link = await until(
    () => segue.log.match(/\/ui\/setup#token=\S+/)?.[0],
    () => segue.log,
  );
  await page.goto(segue.url + link);
  await page.getByLabel('Your name').fill('Ada Keller');
  await page.getByLabel('Login').fill('ada');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor();
}
export async function signIn(segue, page, login, to = '/ui/') {
  await page.goto(segue.url + to);
  await page.getByLabel('Login').fill(login);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByLabel('Login').waitFor({ state: 'detached' });
}
/** The API as the page's person asks it. */
export async function api(page, method, path, data) {
  const at = new URL(page.url()).origin + '/segue/v1';
  const { csrf } = await (await page.request.get(`${at}/session`)).json();
  return page.request.fetch(`${at}/${path}`, { method, data, headers: { 'Segue-Csrf': csrf } });
}
/** Answers, and the box to ask in. */
export async function say(page, text) {
  await page.getByRole('textbox', { name: 'Question' }).fill(text);
  await page.keyboard.press('Enter');
}
export const lastAnswer = (page) => page.locator('.answer').last();

/** A vLLM whose answers a test decides: `script(question)` → {text, perSecond, breakAfter}. `blind`: it takes no pictures. */
export async function startEngine(
  script = () => ({ text: 'Fine.' }),
  { model = 'scripted', blind = false } = {},
) {
  const engine = { script, model, requests: [], sockets: new Set() };
  const server = http.createServer(async (request, response) => {
    const json = (value, status = 200) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (request.url === '/v1/models')
      return json({
        object: 'list',
        data: [{ id: model, object: 'model', owned_by: 'vllm', max_model_len: 8192 }],
      });
    if (request.url === '/version') return json({ version: '0.32.0' });
    if (request.url === '/health') return response.end();
    if (request.url !== '/v1/chat/completions') return json({ detail: 'Not Found' }, 404);
    let body = '';
    for await (const piece of request) body += piece;
    const asked = JSON.parse(body);
    engine.requests.push(asked);
    if (blind && /"image_url"/.test(body))
      return json(
        { error: { message: `${model} is not a multimodal model`, type: 'BadRequestError', code: 400 } },
        400,
      );
    const question = asked.messages?.at(-1)?.content ?? '';
    const {
      text,
      perSecond = 2000,
      breakAfter = Infinity,
      wait = 0,
    } = engine.script(typeof question === 'string' ? question : JSON.stringify(question));
    const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model };
    const words = text.match(/\S+\s*|\s+/g) ?? [];
    if (wait) await sleep(wait);
    if (!asked.stream)
      return json({
        ...base,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 9, completion_tokens: words.length, total_tokens: 9 + words.length },
      });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const event = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
    event({ ...base, choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] });
    const begun = Date.now();
    for (const [at, word] of words.entries()) {
      if (response.destroyed) return;
      if (at >= breakAfter) return void request.socket.destroy();
      event({ ...base, choices: [{ index: 0, delta: { content: word } }] });
      const due = begun + ((at + 1) * 1000) / perSecond;
      if (due - Date.now() > 2) await sleep(due - Date.now());
    }
    event({ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    event({
      ...base,
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: words.length, total_tokens: 9 + words.length },
    });
    response.end('data: [DONE]\n\n');
  });
  server.on('connection', (socket) => {
    engine.sockets.add(socket);
    socket.on('close', () => engine.sockets.delete(socket));
  });
  engine.listen = async (port = 0) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    engine.port = server.address().port;
  };
  /** As a kill would: nobody listens any more, and what was open is gone. */
  engine.kill = () => {
    for (const socket of engine.sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  };
  await engine.listen();
  return engine;
}
export const engineConfig = (...engines) => ({
  engines: engines.map(({ port }, at) => ({
    name: `gpu-${at + 1}`,
    dialect: 'vllm',
    url: `http://127.0.0.1:${port}`,
    probe_interval: '1s',
  })),
  models: engines.map(({ model }, at) => ({ name: model, targets: [{ engine: `gpu-${at + 1}`, model }] })),
});

export const launch = () =>
  chromium.launch({
    executablePath: process.env.SEGUE_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });

/** A page that keeps what must not be: errors, requests to elsewhere, dialogs, `pwned()`. */
export async function openPage(
  browser,
  { width = 1440, height = 900, theme = 'light', language = 'en-US', motion = 'reduce', context } = {},
) {
  const mine =
    context ??
    (await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      locale: language,
      reducedMotion: motion,
      timezoneId: 'UTC',
    }));
  const page = await mine.newPage();
  const seen = { errors: [], elsewhere: [], ran: [] };
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('console', (message) => {
    // A refused request is the API's word, which the page shows; everything else is ours.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      seen.errors.push(message.text());
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['127.0.0.1', 'localhost'].includes(url.hostname) && !/^(data|blob):$/.test(url.protocol))
      seen.elsewhere.push(request.url());
  });
  page.on('dialog', (dialog) => {
    seen.ran.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('popup', (popup) => seen.ran.push(`popup ${popup.url()}`));
  await page.exposeFunction('pwned', () => seen.ran.push('pwned'));
  page.clean = () => {
    assert.deepEqual(seen.errors, [], 'errors in the console');
    assert.deepEqual(seen.elsewhere, [], 'requests to elsewhere');
    assert.deepEqual(seen.ran, [], 'scripts that ran');
  };
  return page;
}

/** WCAG 2.2 AA by axe, in both themes unless told; also that nothing is wider than the window. */
export async function checkPage(page, what, themes = ['light', 'dark']) {
  await page.evaluate(AXE);
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const found = await page.evaluate(async () => {
      const result = await window.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        resultTypes: ['violations'],
      });
      return result.violations.map((one) => {
        const nodes = one.nodes
          .slice(0, 3)
          .map((node) => `${node.html.slice(0, 160)} (${node.failureSummary?.split('\n')[1]?.trim()})`);
        return `${one.id}: ${one.help}: ${nodes.join(' | ')}`;
      });
    });
    assert.deepEqual(found, [], `${what}, ${colorScheme}: accessibility`);
  }
  const wide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(wide <= 0, `${what}: ${wide} px wider than the window`);
}
