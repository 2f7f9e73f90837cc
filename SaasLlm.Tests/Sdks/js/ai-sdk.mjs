import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { countingFetch, onePixel, refusal, run, settings, waited } from './scenarios.mjs';

const { groups } = settings;
globalThis.AI_SDK_LOG_WARNINGS = false;

function provider(jobType, options = {}) {
  return createOpenAICompatible({
    name: 'saasllm', baseURL: `${settings.url}/v1`, apiKey: settings.key, headers: { 'X-Job-Type': jobType },
    includeUsage: true, supportsStructuredOutputs: true, ...options,
  });
}

const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `It rains in ${city}.`,
});

function seen(error) {
  const call = error.lastError ?? error;
  return { name: call.name, status: call.statusCode, retryable: call.isRetryable, message: call.message };
}

await run({
  async plain(name) {
    const answer = await generateText({ model: provider(name)(groups.good), prompt: 'one two' });
    return {
      text: answer.text, finish: answer.finishReason, usage: [answer.usage.inputTokens, answer.usage.outputTokens, answer.usage.totalTokens],
      group: answer.response.modelId === groups.good, charged: answer.response.headers['x-credits-charged'],
    };
  },

  async stream(name) {
    const stream = streamText({ model: provider(name)(groups.good), prompt: 'one two three' });
    let text = '';
    for await (const part of stream.textStream) text += part;
    const usage = await stream.usage;
    return { text, finish: await stream.finishReason, usage: [usage.inputTokens, usage.outputTokens, usage.totalTokens] };
  },

  async tools(name) {
    const answer = await generateText({ model: provider(name)(groups.good), prompt: 'Use get_weather.', tools: { get_weather: weather }, stopWhen: stepCountIs(5) });
    return { text: answer.text, steps: answer.steps.map((step) => step.finishReason), input: answer.steps[0].toolCalls[0].input, output: answer.steps[0].toolResults[0].output };
  },

  async toolsStream(name) {
    const stream = streamText({ model: provider(name)(groups.good), prompt: 'Use get_weather.', tools: { get_weather: weather }, stopWhen: stepCountIs(5) });
    await stream.consumeStream();
    const steps = await stream.steps;
    return { text: await stream.text, steps: steps.map((step) => step.finishReason), input: steps[0].toolCalls[0].input };
  },

  async object(name) {
    const schema = z.object({ title: z.string(), count: z.number().int(), tags: z.array(z.string()) });
    const answer = await generateObject({ model: provider(name)(groups.good), schema, prompt: 'plan' });
    return answer.object;
  },

  async objectStream(name) {
    const stream = streamObject({ model: provider(name)(groups.good), schema: z.object({ title: z.string() }), prompt: 'plan' });
    for await (const part of stream.partialObjectStream) void part;
    return await stream.object;
  },

  async vision(name) {
    const answer = await generateText({
      model: provider(name)(groups.good),
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image', image: onePixel }] }],
    });
    return { text: answer.text };
  },

  async vectors(name) {
    const answer = await embedMany({ model: provider(name).embeddingModel(groups.vectors), values: ['first text', 'second text'] });
    const [first, second] = answer.embeddings;
    return { same: first.length === second.length, long: first.length > 1, differ: first[0] !== second[0], used: answer.usage.tokens };
  },

  async noCredits(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => generateText({ model: provider(name, { apiKey: settings.poorKey, fetch })(groups.good), prompt: 'x' }));
    const { message, ...rest } = seen(error);
    return { ...rest, says: message.length > 10, sent: sent.count };
  },

  async wrongKey(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => generateText({ model: provider(name, { apiKey: 'sk-wrong', fetch })(groups.good), prompt: 'x' }));
    const { message, ...rest } = seen(error);
    return { ...rest, says: message.length > 10, sent: sent.count };
  },

  async unknownModel(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => generateText({ model: provider(name, { fetch })('no-such-group'), prompt: 'x' }));
    const { message, ...rest } = seen(error);
    return { ...rest, says: message.length > 10, sent: sent.count };
  },

  async rateLimited(name) {
    const [fetch, sent] = countingFetch();
    const answer = await generateText({ model: provider(name, { fetch })(groups.limitedOnce), prompt: 'x' });
    return { text: answer.text, sent: sent.count, waited: waited(sent, 3) };
  },

  async failingOnce(name) {
    const [fetch, sent] = countingFetch();
    const answer = await generateText({ model: provider(name, { fetch })(groups.failingOnce), prompt: 'x' });
    return { text: answer.text, sent: sent.count };
  },

  async cutStream(name) {
    const errors = [];
    const stream = streamText({ model: provider(name)(groups.cut), prompt: 'one two three', onError: ({ error }) => errors.push(error) });
    let text = '';
    for await (const part of stream.fullStream) if (part.type === 'text-delta') text += part.text;
    return { errors: errors.length, began: text.startsWith('Simulated'), finish: await Promise.resolve(stream.finishReason).catch((error) => error.name) };
  },

  async abortedStream(name) {
    const controller = new AbortController();
    const stream = streamText({ model: provider(name)(groups.good), prompt: 'word '.repeat(300), abortSignal: controller.signal, onError: () => {} });
    let ended = '';
    for await (const part of stream.fullStream) {
      if (part.type === 'text-delta') controller.abort();
      ended = part.type;
    }
    return { ended };
  },
});
