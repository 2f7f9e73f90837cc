import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { api, countingFetch, onePixel, refusal, run, settings, waited } from './scenarios.mjs';

const { groups } = settings;
const ask = (content) => [{ role: 'user', content }];

/** A client whose jobs are labelled with the scenario's name. */
function client(jobType, options = {}) {
  return new OpenAI({ baseURL: `${settings.url}/v1`, apiKey: settings.key, defaultHeaders: { 'X-Job-Type': jobType, ...options.headers }, ...options });
}

async function seen(error) {
  return { class: error.constructor.name, status: error.status, code: error.code, type: error.type };
}

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parse: JSON.parse,
    function: ({ city }) => `It rains in ${city}.`,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  },
};

// Of a stream and of a plain answer the library keeps different members beside these.
function asked(message) {
  const { name, arguments: given } = message.tool_calls[0].function;
  return { name, arguments: given };
}

await run({
  async plain(name) {
    const { data, response } = await client(name).chat.completions.create({ model: groups.good, messages: ask('one two'), seed: 7, user: 'u-1' }).withResponse();
    return {
      object: data.object, group: data.model === groups.good, choices: data.choices.length, content: data.choices[0].message.content, finish: data.choices[0].finish_reason,
      usage: [data.usage.prompt_tokens, data.usage.completion_tokens, data.usage.total_tokens],
      job: response.headers.get('x-job-id').length, charged: response.headers.get('x-credits-charged'),
    };
  },

  async stream(name) {
    const stream = await client(name).chat.completions.create(
      { model: groups.good, messages: ask('one two three'), stream: true, stream_options: { include_usage: true } });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const last = chunks.at(-1);
    return {
      text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
      roles: chunks.filter((chunk) => chunk.choices[0]?.delta.role).length,
      finish: chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean),
      ids: new Set(chunks.map((chunk) => chunk.id)).size, group: chunks.every((chunk) => chunk.model === groups.good),
      withUsage: chunks.filter((chunk) => chunk.usage).length, usage: [last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens],
      credits: last.saasllm.credits_charged,
    };
  },

  async streamHelper(name) {
    const runner = client(name).chat.completions.stream({ model: groups.good, messages: ask('four five') });
    const final = await runner.finalChatCompletion();
    return { content: final.choices[0].message.content, finish: final.choices[0].finish_reason };
  },

  async tools(name) {
    const runner = client(name).chat.completions.runTools({ model: groups.good, messages: ask('Use get_weather.'), tools: [weather] });
    const text = await runner.finalContent();
    return { text, roles: runner.messages.map((message) => message.role), asked: asked(runner.messages[1]) };
  },

  async toolsStream(name) {
    const runner = client(name).chat.completions.runTools({ model: groups.good, messages: ask('Use get_weather.'), tools: [weather], stream: true });
    const text = await runner.finalContent();
    return { text, roles: runner.messages.map((message) => message.role), asked: asked(runner.messages[1]) };
  },

  async parse(name) {
    const schema = z.object({ title: z.string(), steps: z.array(z.object({ n: z.number(), text: z.string().nullable() })), kind: z.enum(['a', 'b']) });
    const parsed = await client(name).chat.completions.parse(
      { model: groups.good, messages: ask('plan'), response_format: zodResponseFormat(schema, 'plan') });
    return { parsed: parsed.choices[0].message.parsed, refusal: parsed.choices[0].message.refusal ?? null };
  },

  async vision(name) {
    const answer = await client(name).chat.completions.create({
      model: groups.good,
      messages: ask([{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: onePixel, detail: 'low' } }]),
    });
    return { content: answer.choices[0].message.content };
  },

  async vectors(name) {
    const sdk = client(name).embeddings;
    const input = ['first text', 'second text'];
    const coded = await sdk.create({ model: groups.vectors, input, dimensions: 8 });
    const plain = await sdk.create({ model: groups.vectors, input, dimensions: 8, encoding_format: 'float' });
    const [first, second] = coded.data.map((item) => item.embedding);
    return {
      group: coded.model === groups.vectors, lengths: [first.length, second.length], differ: first[0] !== second[0], used: coded.usage.total_tokens,
      same: first.every((number, i) => Math.abs(number - plain.data[0].embedding[i]) < 1e-6),
    };
  },

  async models(name) {
    const sdk = client(name).models;
    const ids = [];
    for await (const model of sdk.list()) ids.push(model.id);
    const one = await sdk.retrieve(groups.good);
    return { all: Object.values(groups).every((group) => ids.includes(group)) && ids.length === Object.keys(groups).length, one: one.id === groups.good, owner: one.owned_by };
  },

  async response(name) {
    const answer = await client(name).responses.create({ model: groups.good, input: 'one two' });
    return { group: answer.model === groups.good, status: answer.status, text: answer.output_text, usage: [answer.usage.input_tokens, answer.usage.output_tokens] };
  },

  async responseStream(name) {
    const stream = client(name).responses.stream({ model: groups.good, input: [{ role: 'user', content: 'one two' }] });
    const types = [];
    for await (const event of stream) types.push(event.type);
    const final = await stream.finalResponse();
    return { first: types[0], last: types.at(-1), text: final.output_text, usage: [final.usage.input_tokens, final.usage.output_tokens] };
  },

  async completion(name) {
    const answer = await client(name).completions.create({ model: groups.good, prompt: 'one two', max_tokens: 50 });
    return { object: answer.object, text: answer.choices[0].text };
  },

  async noCredits(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => client(name, { apiKey: settings.poorKey, fetch }).chat.completions.create({ model: groups.good, messages: ask('x') }));
    return { ...await seen(error), sent: sent.count, available: error.error.available, needed: error.error.needed };
  },

  async wrongKey(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => client(name, { apiKey: 'sk-wrong', fetch }).chat.completions.create({ model: groups.good, messages: ask('x') }));
    return { ...await seen(error), sent: sent.count };
  },

  async unknownModel(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => client(name, { fetch }).chat.completions.create({ model: 'no-such-group', messages: ask('x') }));
    return { ...await seen(error), sent: sent.count };
  },

  async unknownField(name) {
    const error = await refusal(() => client(name).chat.completions.create({ model: groups.good, messages: ask('x'), fallbacks: ['gpt-5'] }));
    return { ...await seen(error), param: error.param };
  },

  async notServed(name) {
    const error = await refusal(() => client(name).images.generate({ prompt: 'x' }));
    return await seen(error);
  },

  async rateLimited(name) {
    const [fetch, sent] = countingFetch();
    const answer = await client(name, { fetch }).chat.completions.create({ model: groups.limitedOnce, messages: ask('x') });
    return { content: answer.choices[0].message.content, sent: sent.count, waited: waited(sent, 3) };
  },

  async failingOnce(name) {
    const [fetch, sent] = countingFetch();
    const answer = await client(name, { fetch }).chat.completions.create({ model: groups.failingOnce, messages: ask('x') });
    return { content: answer.choices[0].message.content, sent: sent.count };
  },

  async fallback(name) {
    const [fetch, sent] = countingFetch();
    const answer = await client(name, { fetch }).chat.completions.create({ model: groups.fallback, messages: ask('x') });
    return { content: answer.choices[0].message.content, sent: sent.count, group: answer.model === groups.fallback };
  },

  async cutStream(name) {
    const [fetch, sent] = countingFetch();
    const stream = await client(name, { fetch }).chat.completions.create({ model: groups.cut, messages: ask('one two three'), stream: true });
    let text = '';
    const error = await refusal(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    });
    return { class: error.constructor.name, code: error.code, sent: sent.count, began: text.startsWith('Simulated') };
  },

  async abortedStream(name) {
    const stream = await client(name).chat.completions.create({ model: groups.good, messages: ask('word '.repeat(300)), stream: true });
    let read = 0;
    for await (const chunk of stream) {
      read += 1;
      if (chunk.choices.length > 0) break;
    }
    return { aborted: stream.controller.signal.aborted, read };
  },

  async openJob(name) {
    const job = await api('/api/jobs/create', { job_type: name });
    const sdk = client(name, { headers: { 'X-Job-Id': job.job_id } });
    const first = await sdk.chat.completions.create({ model: groups.good, messages: ask('x') }).withResponse();
    const stream = await sdk.chat.completions.create({ model: groups.good, messages: ask('x'), stream: true, stream_options: { include_usage: true } });
    let last;
    for await (const chunk of stream) last = chunk;
    const done = await api(`/api/jobs/${job.job_id}/complete`, { status: 'completed' });
    return {
      same: first.response.headers.get('x-job-id') === job.job_id && last.saasllm.job_id === job.job_id, chargedYet: first.response.headers.get('x-credits-charged'),
      calls: done.costs.total_calls, charged: done.costs.credits_charged,
    };
  },

  async idempotent(name) {
    const [fetch, sent] = countingFetch();
    const sdk = client(name, { fetch });
    const ids = [];
    for (let i = 0; i < 2; i++) {
      const answer = await sdk.chat.completions.create({ model: groups.good, messages: ask('x') }, { headers: { 'Idempotency-Key': `${settings.run}-idempotent` } });
      ids.push(answer.id);
    }
    return { same: ids[0] === ids[1], sent: sent.count };
  },

  async withoutV1(name) {
    const answer = await client(name, { baseURL: settings.url }).chat.completions.create({ model: groups.good, messages: ask('x') });
    return { content: answer.choices[0].message.content };
  },
});
