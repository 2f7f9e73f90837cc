import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { countingFetch, onePixel, refusal, run, settings, waited } from './scenarios.mjs';

const { groups } = settings;

function chat(jobType, { model = groups.good, apiKey = settings.key, fetch, ...options } = {}) {
  return new ChatOpenAI({
    model, apiKey, configuration: { baseURL: `${settings.url}/v1`, defaultHeaders: { 'X-Job-Type': jobType }, fetch }, ...options,
  });
}

const weather = tool(async ({ city }) => `It rains in ${city}.`, {
  name: 'get_weather', description: 'The weather of a city', schema: z.object({ city: z.string() }),
});

async function streamed(model, messages) {
  let whole;
  for await (const chunk of await model.stream(messages)) whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole;
}

async function loop(answer) {
  const messages = [new HumanMessage('Use get_weather.')];
  const first = await answer(messages);
  messages.push(first);
  for (const call of first.tool_calls) messages.push(await weather.invoke(call));
  const second = await answer(messages);
  return { call: { name: first.tool_calls[0].name, args: first.tool_calls[0].args }, isResult: messages.at(-1) instanceof ToolMessage, text: second.text };
}

await run({
  async plain(name) {
    const answer = await chat(name).invoke('one two');
    return {
      text: answer.text, finish: answer.response_metadata.finish_reason,
      usage: [answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens, answer.usage_metadata.total_tokens],
    };
  },

  async stream(name) {
    const whole = await streamed(chat(name), 'one two three');
    return { text: whole.text, usage: [whole.usage_metadata.input_tokens, whole.usage_metadata.output_tokens, whole.usage_metadata.total_tokens] };
  },

  tools(name) {
    const model = chat(name).bindTools([weather]);
    return loop((messages) => model.invoke(messages));
  },

  toolsStream(name) {
    const model = chat(name).bindTools([weather]);
    return loop((messages) => streamed(model, messages));
  },

  async structured(name) {
    const schema = z.object({ title: z.string(), count: z.number().int() });
    return chat(name).withStructuredOutput(schema, { name: 'plan', method: 'jsonSchema' }).invoke('plan');
  },

  async structuredByFunction(name) {
    const schema = z.object({ title: z.string(), count: z.number().int() });
    return chat(name).withStructuredOutput(schema, { name: 'plan', method: 'functionCalling' }).invoke('plan');
  },

  async vision(name) {
    const answer = await chat(name).invoke([new HumanMessage({
      content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: onePixel } }],
    })]);
    return { text: answer.text };
  },

  async vectors(name) {
    const vectors = new OpenAIEmbeddings({
      model: groups.vectors, apiKey: settings.key, configuration: { baseURL: `${settings.url}/v1`, defaultHeaders: { 'X-Job-Type': name } },
    });
    const [first, second] = await vectors.embedDocuments(['first text', 'second text']);
    return { same: first.length === second.length, long: first.length > 1, differ: first[0] !== second[0] };
  },

  async response(name) {
    const answer = await chat(name, { useResponsesApi: true }).invoke('one two');
    return { text: answer.text, usage: [answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens] };
  },

  async noCredits(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => chat(name, { apiKey: settings.poorKey, fetch }).invoke('x'));
    return { status: error.status, code: error.code, sent: sent.count };
  },

  async wrongKey(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => chat(name, { apiKey: 'sk-wrong', fetch }).invoke('x'));
    return { status: error.status, code: error.code, sent: sent.count };
  },

  async unknownModel(name) {
    const [fetch, sent] = countingFetch();
    const error = await refusal(() => chat(name, { model: 'no-such-group', fetch }).invoke('x'));
    return { status: error.status, code: error.code, sent: sent.count };
  },

  async rateLimited(name) {
    const [fetch, sent] = countingFetch();
    const answer = await chat(name, { model: groups.limitedOnce, fetch }).invoke('x');
    return { text: answer.text, sent: sent.count, waited: waited(sent, 3) };
  },

  async failingOnce(name) {
    const [fetch, sent] = countingFetch();
    const answer = await chat(name, { model: groups.failingOnce, fetch }).invoke('x');
    return { text: answer.text, sent: sent.count };
  },

  async cutStream(name) {
    let text = '';
    const error = await refusal(async () => {
      for await (const chunk of await chat(name, { model: groups.cut }).stream('one two three')) text += chunk.text;
    });
    return { code: error.code, began: text.startsWith('Simulated') };
  },
});
