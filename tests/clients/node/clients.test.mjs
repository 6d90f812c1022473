// C140 to C143: the npm clients, unchanged, against both engines (wire 4).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { embedMany, generateText, jsonSchema, streamText, tool } from 'ai';
import { Ollama } from 'ollama';
import { createOllama } from 'ollama-ai-provider-v2';
import OpenAI from 'openai';

import {
  DIALECTS,
  FRANCE,
  MODEL,
  OBJECT,
  PARAMETERS,
  PARIS,
  SCHEMA,
  SUM,
  THOUGHT,
  TOOL,
  WEATHER,
  startRigs,
  user,
} from './rigs.mjs';

let rigs;
before(async () => {
  rigs = await startRigs();
});
after(async () => {
  await rigs?.stop();
});

const greedy = { temperature: 0 };

for (const dialect of DIALECTS) {
  describe(`C140 ollama-js, engine ${dialect}`, () => {
    const client = () => new Ollama({ host: rigs[dialect].segue });

    test('chat', async () => {
      const answer = await client().chat({
        model: MODEL,
        messages: user(FRANCE),
        think: false,
        options: greedy,
      });
      assert.equal(answer.message.content, PARIS);
      assert.equal(answer.done_reason, 'stop');
      assert.equal(answer.prompt_eval_count, 24);
      assert.equal(answer.eval_count, 11);
    });

    test('stream', async () => {
      let text = '';
      let thought = '';
      const stream = await client().chat({
        model: MODEL,
        messages: user(SUM),
        think: true,
        stream: true,
        options: greedy,
      });
      for await (const part of stream) {
        text += part.message.content;
        thought += part.message.thinking ?? '';
      }
      assert.equal(text, '3 plus 4 is 7.');
      assert.equal(thought.trim(), THOUGHT);
    });

    test('tools and structured output', async () => {
      const called = await client().chat({
        model: MODEL,
        messages: user(WEATHER),
        tools: [TOOL],
        think: false,
        options: greedy,
      });
      assert.deepEqual(
        called.message.tool_calls.map((call) => [call.function.name, call.function.arguments]),
        [['get_weather', { city: 'Paris' }]],
      );
      const shaped = await client().chat({
        model: MODEL,
        messages: user(OBJECT),
        format: SCHEMA,
        think: false,
        options: greedy,
      });
      assert.deepEqual(JSON.parse(shaped.message.content), { city: 'Paris', country: 'France' });
    });

    test('list, ps, show', async () => {
      assert.equal((await client().list()).models[0].model, `${MODEL}:latest`);
      const loaded = (await client().ps()).models; // an Ollama engine lists only what was used, a vLLM always its model
      if (dialect === 'openai') assert.equal(loaded[0].model, `${MODEL}:latest`);
      assert.ok((await client().show({ model: MODEL })).capabilities.includes('completion'));
    });

    test('embed', async () => {
      const answer = await new Ollama({ host: rigs[`embed-${dialect}`].segue }).embed({
        model: MODEL,
        input: ['one', 'two'],
      });
      assert.equal(answer.embeddings.length, 2);
    });

    test('errors', async () => {
      await assert.rejects(client().chat({ model: 'nope', messages: user('x') }), /model 'nope' not found/);
    });

    test('a broken stream throws', async () => {
      await assert.rejects(async () => {
        const stream = await new Ollama({ host: rigs[`breaking-${dialect}`].segue }).chat({
          model: MODEL,
          messages: user(FRANCE),
          think: false,
          stream: true,
        });
        for await (const part of stream) void part;
      });
    });

    test('abort', async () => {
      const faults = `${rigs[dialect].engine}/rehearsal/faults`;
      await fetch(faults, { method: 'POST', body: JSON.stringify({ slow: { gap_ms: 100 } }) });
      const one = client();
      const stream = await one.chat({ model: MODEL, messages: user(FRANCE), think: false, stream: true });
      await assert.rejects(
        async () => {
          for await (const part of stream) {
            void part;
            stream.abort();
          }
        },
        { name: 'AbortError' },
      );
      await fetch(faults, { method: 'DELETE' });
    });
  });

  describe(`C141 openai-node, engine ${dialect}`, () => {
    const client = (rig = dialect) =>
      new OpenAI({ baseURL: `${rigs[rig].segue}/v1`, apiKey: 'unused', maxRetries: 0 });
    const off =
      dialect === 'openai'
        ? { temperature: 0, chat_template_kwargs: { enable_thinking: false } }
        : { temperature: 0, reasoning_effort: 'none' };

    test('create and stream', async () => {
      const answer = await client().chat.completions.create({ model: MODEL, messages: user(FRANCE), ...off });
      assert.equal(answer.choices[0].message.content, PARIS);
      assert.equal(answer.usage.total_tokens, 35);
      let text = '';
      const stream = await client().chat.completions.create({
        model: MODEL,
        messages: user(FRANCE),
        stream: true,
        ...off,
      });
      for await (const part of stream) text += part.choices[0]?.delta.content ?? '';
      assert.equal(text, PARIS);
    });

    test('the stream helper, with a tool', async () => {
      const stream = client().chat.completions.stream({
        model: MODEL,
        messages: user(WEATHER),
        tools: [TOOL],
        ...off,
      });
      const answer = await stream.finalChatCompletion();
      assert.equal(answer.choices[0].finish_reason, 'tool_calls');
      assert.deepEqual(JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments), {
        city: 'Paris',
      });
    });

    test('models and embeddings', async () => {
      assert.ok((await client().models.list()).data[0].id.startsWith(MODEL));
      const answer = await client(`embed-${dialect}`).embeddings.create({
        model: MODEL,
        input: ['one', 'two'],
      });
      assert.equal(answer.data.length, 2);
      assert.equal(answer.data[0].embedding.length, 16);
    });

    test('errors and a broken stream', async () => {
      await assert.rejects(
        client().chat.completions.create({ model: 'nope', messages: user('x') }),
        (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found',
      );
      await assert.rejects(async () => {
        const stream = await client(`breaking-${dialect}`).chat.completions.create({
          model: MODEL,
          messages: user(FRANCE),
          stream: true,
        });
        for await (const part of stream) void part;
      });
    });
  });

  describe(`C142 anthropic (npm), engine ${dialect}`, () => {
    const client = (rig = dialect) =>
      new Anthropic({ baseURL: rigs[rig].segue, apiKey: 'unused', maxRetries: 0 });
    const weather = {
      name: 'get_weather',
      description: 'Get the weather of a city',
      input_schema: PARAMETERS,
    };

    test('create, stream, count', async () => {
      const answer = await client().messages.create({
        model: MODEL,
        max_tokens: 60,
        messages: user(FRANCE),
        temperature: 0,
      });
      assert.equal(answer.content[0].text, PARIS);
      const stream = client().messages.stream({
        model: MODEL,
        max_tokens: 60,
        messages: user(FRANCE),
        temperature: 0,
      });
      assert.equal(await stream.finalText(), PARIS);
      assert.ok(
        (await client().messages.countTokens({ model: MODEL, messages: user(SUM) })).input_tokens > 0,
      );
    });

    test('tools', async () => {
      const answer = await client()
        .messages.stream({
          model: MODEL,
          max_tokens: 80,
          messages: user(WEATHER),
          tools: [weather],
          temperature: 0,
        })
        .finalMessage();
      const use = answer.content.at(-1);
      assert.deepEqual([use.type, use.name, use.input], ['tool_use', 'get_weather', { city: 'Paris' }]);
      assert.equal(answer.stop_reason, 'tool_use');
    });

    test('errors and a broken stream', async () => {
      await assert.rejects(
        client().messages.create({ model: 'nope', max_tokens: 5, messages: user('x') }),
        (error) => error instanceof Anthropic.NotFoundError,
      );
      await assert.rejects(
        client(`breaking-${dialect}`)
          .messages.stream({ model: MODEL, max_tokens: 60, messages: user(FRANCE) })
          .finalMessage(),
      );
    });
  });

  describe(`C143 Vercel ai, engine ${dialect}`, () => {
    const viaOllama = (rig = dialect) => createOllama({ baseURL: `${rigs[rig].segue}/api` });
    const viaOpenAI = (rig = dialect) =>
      createOpenAICompatible({
        name: 'segue',
        baseURL: `${rigs[rig].segue}/v1`,
        apiKey: 'unused',
        includeUsage: true,
      });
    const weather = tool({
      description: 'Get the weather of a city',
      inputSchema: jsonSchema(PARAMETERS),
      execute: async ({ city }) => city,
    });
    // Without the switch a vLLM whose parser expects thinking answers with reasoning only (wire 2.3, parser trap).
    const providerOptions =
      dialect === 'openai' ? { segue: { chat_template_kwargs: { enable_thinking: false } } } : {};
    const models = {
      'ollama-ai-provider-v2': () => viaOllama()(MODEL),
      'openai-compatible': () => viaOpenAI()(MODEL),
    };

    for (const [name, model] of Object.entries(models)) {
      test(`${name}: answer, stream, usage`, async () => {
        const answer = await generateText({
          model: model(),
          prompt: FRANCE,
          providerOptions,
          temperature: 0,
          maxRetries: 0,
        });
        assert.ok(answer.text.includes(PARIS), answer.text);
        assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
        const stream = streamText({
          model: model(),
          prompt: FRANCE,
          providerOptions,
          temperature: 0,
          maxRetries: 0,
        });
        let text = '';
        for await (const part of stream.textStream) text += part;
        assert.ok(text.includes(PARIS), text);
        assert.ok((await stream.usage).outputTokens > 0);
      });

      test(`${name}: a tool is called once`, async () => {
        const answer = await generateText({
          model: model(),
          prompt: WEATHER,
          tools: { get_weather: weather },
          providerOptions,
          temperature: 0,
          maxRetries: 0,
        });
        assert.deepEqual(
          answer.toolCalls.map((call) => [call.toolName, call.input]),
          [['get_weather', { city: 'Paris' }]],
        );
      });
    }

    test('a broken stream is an error', async () => {
      for (const model of [
        viaOllama(`breaking-${dialect}`)(MODEL),
        viaOpenAI(`breaking-${dialect}`)(MODEL),
      ]) {
        const errors = [];
        const stream = streamText({
          model,
          prompt: FRANCE,
          maxRetries: 0,
          onError: ({ error }) => errors.push(error),
        });
        await stream.consumeStream();
        await Promise.resolve(stream.text).catch((error) => errors.push(error));
        assert.ok(errors.length > 0, `${model.provider}: no error`);
      }
    });

    test('embeddings', async () => {
      for (const model of [
        viaOllama(`embed-${dialect}`).embedding(MODEL),
        viaOpenAI(`embed-${dialect}`).textEmbeddingModel(MODEL),
      ]) {
        const answer = await embedMany({ model, values: ['one', 'two'] });
        assert.equal(answer.embeddings.length, 2);
      }
    });
  });
}
