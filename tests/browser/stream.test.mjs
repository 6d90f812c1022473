// An answer on its way: at the pace it arrives, without a jerk, stoppable, and taken up again after a reload.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ANSWER, citationsOf, record, sources } from './company.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, openPage, sleep, startSegue, until } from './stage.mjs';

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

/** Sends `text` word by word; `from` is what came before (a second look at the same answer gets everything so far). */
function paced(text, perSecond) {
  const words = text.match(/\S+\s*/g);
  const begun = new Map();
  return async (message, event, gone) => {
    if (!begun.has(message.id)) begun.set(message.id, Date.now());
    const begin = begun.get(message.id);
    event('started', { message: message.id, model: '', at: new Date(begin).toISOString() });
    event('sources', { sources, vector: 'used', took_ms: 12 });
    for (let at = 0; at < words.length && !gone();) {
      const due = Math.min(words.length, Math.floor(((Date.now() - begin) / 1000) * perSecond) + 1);
      while (at < due) event('text', { text: words[at++] });
      await sleep(4);
    }
    const said = gone() ? message.text : text;
    return {
      state: message.state === 'stopped' ? 'stopped' : 'complete',
      text: said || text,
      sources,
      citations: citationsOf(said || text),
      record,
    };
  };
}
async function ask(page, title) {
  const { id } = api.converse(title, []);
  await page.goto(`${api.url}/ui/chat/${id}`);
  await page.getByRole('textbox', { name: 'Question' }).fill('How do I point my application at Segue?');
  await page.keyboard.press('Enter');
  return id;
}

// A minute of it is asked for before a release; a few seconds show the same every day.
const SECONDS = Number(process.env.SEGUE_STREAM_SECONDS ?? 6);
test(`200 tokens a second for ${SECONDS} s: no task over 100 ms, nothing jumps`, async (t) => {
  const parts = [];
  for (let words = 0; words < 200 * SECONDS; words += ANSWER.split(/(?<=\s)/).length)
    parts.push(`## Part ${parts.length}\n\n${ANSWER}`);
  const text = parts
    .join('\n')
    .split(/(?<=\s)/)
    .slice(0, 200 * SECONDS)
    .join('');
  const page = await openPage(browser);
  await page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) =>
      window.shifts.push(
        ...list
          .getEntries()
          .filter((one) => !one.hadRecentInput)
          .map((one) => [one.startTime, one.value]),
      ),
    ).observe({ type: 'layout-shift' });
  });
  api.stream = paced(text, 200);
  await ask(page, 'Fast');
  await page.locator('.prose').waitFor();
  await page.evaluate(() => (window.shifts.length = 0));
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'toplevel'] });
  await page.getByRole('button', { name: 'Answer again' }).waitFor({ timeout: 60_000 + SECONDS * 3000 });
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const seen = await page.evaluate(() => {
    const box = document.querySelector('.scroller');
    // As Cumulative Layout Shift is defined: the worst five seconds, however long the answer is.
    let shift = 0;
    for (const [from] of window.shifts)
      shift = Math.max(
        shift,
        window.shifts
          .filter(([at]) => at >= from && at < from + 5000)
          .reduce((sum, [, value]) => sum + value, 0),
      );
    return { shift, away: box.scrollHeight - box.scrollTop - box.clientHeight };
  });
  // The processor time of each task of the page's thread, not the clock's: others compute on this machine, too.
  const threads = new Set(
    traceEvents
      .filter((one) => one.name === 'thread_name' && one.args.name === 'CrRendererMain')
      .map((one) => `${one.pid}.${one.tid}`),
  );
  const tasks = traceEvents
    .filter((one) => one.name === 'RunTask' && threads.has(`${one.pid}.${one.tid}`))
    .filter((one) => one.tdur !== undefined)
    .map((one) => one.tdur / 1000);
  t.diagnostic(
    `${tasks.length} tasks of the page's thread, the longest ${Math.max(...tasks).toFixed(1)} ms of processor time; layout shift ${seen.shift.toFixed(4)}`,
  );
  assert.ok(tasks.length > 100, `${tasks.length} tasks were seen`);
  assert.deepEqual(
    tasks.filter((one) => one > 100),
    [],
    'tasks over 100 ms',
  );
  assert.ok(seen.away < 60, `the view followed the end (${seen.away} px away)`);
  assert.ok(seen.shift < 0.05, `layout shift ${seen.shift}`);
  page.clean();
  await page.context().close();
});

test('the first token is on the screen soon after it came', async (t) => {
  const times = [];
  const page = await openPage(browser);
  for (let at = 0; at < 5; at += 1) {
    let sent = 0;
    api.stream = async (message, event) => {
      event('started', { message: message.id, model: '', at: '' });
      await sleep(300);
      sent = Date.now();
      event('text', { text: 'Here it is.' });
      await sleep(150);
      return { state: 'complete', text: 'Here it is.', record };
    };
    await ask(page, 'First');
    const shown = await page.evaluate(
      () =>
        new Promise((done) => {
          const look = () =>
            document.querySelector('.prose')?.textContent.includes('Here it is.')
              ? requestAnimationFrame(() => done(Date.now()))
              : requestAnimationFrame(look);
          look();
        }),
    );
    times.push(shown - sent);
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`first token on the screen after ${times.join(', ')} ms`);
  // The best of five: others compute here, too.
  assert.ok(times[0] < 50, `ms from the server to the screen: ${times.join(', ')}`);
  await page.context().close();
});

test('what is being done is said; Esc stops; the reader who scrolled up is left alone', async () => {
  const page = await openPage(browser);
  let go;
  const seen = () => new Promise((done) => (go = done));
  api.stream = async (message, event, gone) => {
    event('searching', { collections: ['Handbook'] });
    await seen();
    event('waiting', { detail: 'waiting for vLLM, 2 ahead' });
    await seen();
    // Longer than anybody waits: it ends by Esc alone.
    return paced(`${ANSWER}\n\n`.repeat(120), 400)(message, event, gone);
  };
  await ask(page, 'Slow');
  await page.getByText('Searching Handbook').waitFor();
  go();
  await page.getByText('waiting for vLLM, 2 ahead').waitFor();
  go();
  await page.locator('.prose .block').nth(10).waitFor();
  await page.locator('.scroller').hover();
  await page.mouse.wheel(0, -900);
  await page.getByRole('button', { name: 'New text below' }).waitFor();
  const top = await page.evaluate(() => document.querySelector('.scroller').scrollTop);
  await sleep(400);
  assert.equal(await page.evaluate(() => document.querySelector('.scroller').scrollTop), top);
  await page.getByRole('button', { name: 'New text below' }).click();
  await page.keyboard.press('Escape');
  await page.getByText('Stopped.').waitFor();
  page.clean();
  await page.context().close();
});

test('a reload in the middle takes the answer up where it is; a dropped network, too', async () => {
  const page = await openPage(browser);
  const text = `${ANSWER}\n\n`.repeat(4);
  api.stream = paced(text, 60);
  await ask(page, 'Reloaded');
  await page.locator('.prose .block').nth(2).waitFor();
  await page.reload();
  await page.locator('.prose .block').nth(2).waitFor();
  await page.context().setOffline(true);
  await sleep(300);
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Answer again' }).waitFor({ timeout: 30_000 });
  const answers = await page.locator('.answer').count();
  assert.equal(answers, 1);
  const shown = await page.locator('.answer .prose').innerText();
  assert.equal(shown.match(/nothing else changes for your application/g).length, 4);
  await page.context().close();
});

test('10,000 messages: the end is there at once, older ones come as one scrolls', async () => {
  const messages = Array.from({ length: 10_000 }, (_, at) =>
    at % 2
      ? { role: 'assistant', text: `Answer ${at}. ${'Words. '.repeat(30)}`, record }
      : { text: `Question ${at}` },
  );
  const { id } = api.converse('Long', messages);
  const page = await openPage(browser);
  const begin = Date.now();
  await page.goto(`${api.url}/ui/chat/${id}`);
  await page.getByText('Answer 9999.').waitFor();
  assert.ok(Date.now() - begin < 25_000, 'shown within seconds, also on a busy machine');
  assert.equal(await page.locator('.entry').count(), 100);
  for (let at = 0; at < 3; at += 1) {
    const before = await page.locator('.entry').count();
    const anchor = await page.evaluate(() => {
      const box = document.querySelector('.scroller');
      box.scrollTop = 0;
      return document.querySelector('.entry').id;
    });
    await until(async () => (await page.locator('.entry').count()) > before, 'older messages come');
    const place = await page.evaluate(
      (one) => document.getElementById(one).getBoundingClientRect().top,
      anchor,
    );
    assert.ok(place > -200 && place < 900, `what was read stays in the window (${place})`);
  }
  page.clean();
  await page.context().close();
});
