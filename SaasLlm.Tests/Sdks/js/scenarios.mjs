import { webcrypto } from 'node:crypto';

// Node.js 18, which Debian 12 has, lacks this global; LangChain.js wants it.
globalThis.crypto ??= webcrypto;

// Runs an SDK's scenarios side by side and prints a JSON line for each: { name, result } or { name, threw }.
// SAASLLM_SDK: { url, key, poorKey, run, groups: { name: group } }.
export const settings = JSON.parse(process.env.SAASLLM_SDK);

/** A fetch that counts what it sends: an SDK's own retries are requests of ours. */
export function countingFetch() {
  const sent = { count: 0, at: [] };
  const counting = (url, init) => {
    sent.count += 1;
    sent.at.push(Date.now());
    return fetch(url, init);
  };
  return [counting, sent];
}

/** Whether the second request came so many seconds after the first; timers may be a little early. */
export const waited = (sent, seconds) => sent.at[1] - sent.at[0] >= seconds * 1000 - 50;

/** What an SDK made of a refusal. */
export async function refusal(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

/** What belongs to a path of the API itself. */
export async function api(path, body) {
  const response = await fetch(settings.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${settings.key}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

export async function run(scenarios) {
  await Promise.all(Object.entries(scenarios).map(async ([name, scenario]) => {
    let line;
    try {
      line = { name, result: await scenario(name) };
    } catch (error) {
      line = { name, threw: `${error?.stack ?? error}` };
    }
    console.log(JSON.stringify(line));
  }));
}

export const onePixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
