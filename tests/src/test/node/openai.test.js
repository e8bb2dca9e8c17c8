// The openai package against a Quire server: QUIRE_URL, QUIRE_KEY and QUIRE_MODEL say which.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const model = process.env.QUIRE_MODEL;
const client = new OpenAI({
  baseURL: process.env.QUIRE_URL + "/v1",
  apiKey: process.env.QUIRE_KEY,
  maxRetries: 0,
});
const messages = [{ role: "user", content: "Good morrow, cousin." }];

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", maxLength: 12 }, unit: { enum: ["C", "F"] } },
      required: ["city", "unit"],
      additionalProperties: false,
    },
  },
};

async function stats() {
  const response = await fetch(process.env.QUIRE_URL + "/quire/cache", {
    headers: { authorization: "Bearer " + process.env.QUIRE_KEY },
  });
  return response.json();
}

test("models are listed and found", async () => {
  const models = await client.models.list();
  assert.equal(models.data[0].id, model);
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("a chat answers", async () => {
  const chat = await client.chat.completions.create({ model, messages, max_tokens: 8, seed: 1, ignore_eos: true });
  assert.equal(chat.choices[0].message.role, "assistant");
  assert.equal(typeof chat.choices[0].message.content, "string");
  assert.equal(chat.usage.completion_tokens, 8);
  assert.equal(chat.choices[0].finish_reason, "length");
});

test("a streamed chat adds up to the whole one", async () => {
  const request = { model, messages, max_tokens: 12, temperature: 0 };
  const whole = await client.chat.completions.create(request);
  const stream = await client.chat.completions.create({
    ...request,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage && { ...whole.usage, prompt_tokens_details: usage.prompt_tokens_details });
});

test("several samples with log-probabilities", async () => {
  const chat = await client.chat.completions.create({
    model, messages, n: 3, max_tokens: 4, ignore_eos: true, logprobs: true, top_logprobs: 2, seed: 5,
  });
  assert.equal(chat.choices.length, 3);
  const content = chat.choices[2].logprobs.content;
  assert.equal(content.length, 4);
  assert.equal(content[0].top_logprobs.length, 2);
  assert.ok(content[0].logprob <= 0);
});

test("a completion continues, echoes and scores several prompts", async () => {
  const done = await client.completions.create({
    model, prompt: ["ROMEO:", "JULIET:"], max_tokens: 5, echo: true, logprobs: 1, seed: 2,
  });
  assert.equal(done.choices.length, 2);
  assert.ok(done.choices[0].text.startsWith("ROMEO:"));
  assert.ok(done.choices[1].text.startsWith("JULIET:"));
  const scored = done.choices[0].logprobs;
  assert.equal(scored.token_logprobs.length, scored.tokens.length);
  assert.equal(scored.token_logprobs[0], null);
});

test("a streamed completion", async () => {
  const stream = await client.completions.create({
    model, prompt: "ROMEO:", max_tokens: 6, stream: true,
  });
  let text = "";
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? "";
  }
  assert.ok(text.length > 0);
});

test("a tool that must be called is called with fitting arguments", async () => {
  const chat = await client.chat.completions.create({
    model, messages, tools: [weather], tool_choice: "required", max_tokens: 600, seed: 3,
  });
  const choice = chat.choices[0];
  assert.equal(choice.finish_reason, "tool_calls");
  const call = choice.message.tool_calls[0];
  assert.equal(call.function.name, "get_weather");
  assert.ok(["C", "F"].includes(JSON.parse(call.function.arguments).unit));
});

test("a streamed tool call", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages,
    tools: [weather],
    tool_choice: { type: "function", function: { name: "get_weather" } },
    max_tokens: 600,
    seed: 4,
  });
  const parts = [];
  stream.on("chunk", (chunk) => parts.push(...(chunk.choices[0]?.delta.tool_calls ?? [])));
  const last = await stream.finalChatCompletion();
  assert.equal(last.choices[0].finish_reason, "tool_calls");
  const call = last.choices[0].message.tool_calls[0];
  assert.deepEqual(
    { ...parts[0], id: "" },
    { index: 0, id: "", type: "function", function: { name: "get_weather", arguments: "" } },
  );
  assert.equal(parts[0].id, call.id);
  assert.ok(parts.length > 3, "the arguments come in pieces");
  assert.ok(parts.slice(1).every((part) => part.id === undefined && part.index === 0));
  assert.equal(call.function.name, "get_weather");
  assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
});

test("the answer to a tool call is taken", async () => {
  const chat = await client.chat.completions.create({
    model,
    max_tokens: 3,
    tools: [weather],
    messages: [
      ...messages,
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "get_weather", arguments: "{\"city\":\"Rome\",\"unit\":\"C\"}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: "21" },
    ],
  });
  assert.equal(chat.choices.length, 1);
});

test("structured outputs fit their schema", async () => {
  const chat = await client.chat.completions.create({
    model,
    messages,
    max_tokens: 600,
    seed: 6,
    response_format: {
      type: "json_schema",
      json_schema: {
        name: "person",
        strict: true,
        schema: {
          type: "object",
          properties: { name: { type: "string", maxLength: 10 }, age: { type: "integer", minimum: 0, maximum: 150 } },
          required: ["name", "age"],
          additionalProperties: false,
        },
      },
    },
  });
  const person = JSON.parse(chat.choices[0].message.content);
  assert.equal(typeof person.name, "string");
  assert.ok(person.age >= 0 && person.age <= 150);
  assert.equal(chat.choices[0].finish_reason, "stop");
});

// Open strings end when a small model feels like it, so what it may say is enumerated.
const Report = z.object({
  mood: z.enum(["merry", "sad"]),
  alive: z.boolean(),
  deeds: z.array(z.object({ kind: z.enum(["oath", "duel", "jest"]), year: z.int().min(1500).max(1616) })).max(2),
  rank: z.union([z.literal("king"), z.null()]),
});

test("a typed structured output is parsed by its zod schema", async () => {
  const chat = await client.chat.completions.parse({
    model, messages, max_tokens: 400, seed: 8, response_format: zodResponseFormat(Report, "report"),
  });
  const report = chat.choices[0].message.parsed;
  assert.ok(["merry", "sad"].includes(report.mood));
  assert.equal(typeof report.alive, "boolean");
  assert.ok(report.deeds.length <= 2);
  Report.parse(report);
});

test("a typed structured output of the responses API", async () => {
  const done = await client.responses.parse({
    model, input: "Good morrow", max_output_tokens: 400, seed: 9, text: { format: zodTextFormat(Report, "report") },
  });
  Report.parse(done.output_parsed);
});

test("a tool described in zod is run with its typed arguments", async () => {
  const seen = [];
  const tool = zodFunction({
    name: "fetch_sword",
    parameters: z.object({ hand: z.enum(["left", "right"]), quickly: z.boolean() }),
    function: (args) => {
      seen.push(args);
      return "a rapier";
    },
  });
  const chat = await client.chat.completions.parse({
    model, messages, tools: [tool], tool_choice: "required", parallel_tool_calls: false, max_tokens: 300, seed: 10,
  });
  const call = chat.choices[0].message.tool_calls[0];
  assert.ok(["left", "right"].includes(call.function.parsed_arguments.hand));
  assert.equal(typeof call.function.parsed_arguments.quickly, "boolean");

  // The package's own loop: calls the function and answers with what it gave.
  const runner = client.chat.completions.runTools(
    { model, messages, tools: [tool], tool_choice: { type: "function", function: { name: "fetch_sword" } }, max_tokens: 300, seed: 11 },
    { maxChatCompletions: 2 },
  );
  await runner.done();
  assert.ok(seen.length >= 1);
  assert.ok(["left", "right"].includes(seen[0].hand));
});

test("tools may be left out, forbidden, or allowed in part", async () => {
  const other = { ...weather, function: { ...weather.function, name: "other" } };
  const ask = (tool_choice) =>
    client.chat.completions.create({ model, messages, tools: [weather, other], tool_choice, max_tokens: 300, seed: 12 });
  const forbidden = await ask("none");
  assert.equal(forbidden.choices[0].message.tool_calls, undefined);
  const some = await ask({
    type: "allowed_tools",
    allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "other" } }] },
  });
  assert.equal(some.choices[0].message.tool_calls[0].function.name, "other");
  await assert.rejects(ask({ type: "function", function: { name: "third" } }), OpenAI.BadRequestError);
});

test("an unsupported schema is refused by name", async () => {
  await assert.rejects(
    client.chat.completions.create({
      model,
      messages,
      response_format: {
        type: "json_schema",
        json_schema: { name: "x", schema: { type: "integer", multipleOf: 3 } },
      },
    }),
    (error) => error instanceof OpenAI.BadRequestError && /multipleOf/.test(error.message),
  );
});

test("embeddings are of length one", async () => {
  const done = await client.embeddings.create({ model, input: ["love", "war and peace"] });
  assert.equal(done.data.length, 2);
  const length = Math.hypot(...done.data[1].embedding);
  assert.ok(Math.abs(length - 1) < 1e-4, String(length));
});

test("embeddings can be cut short and packed", async () => {
  const whole = await client.embeddings.create({ model, input: "love", encoding_format: "float" });
  const short = await client.embeddings.create({ model, input: "love", encoding_format: "float", dimensions: 16 });
  assert.equal(short.data[0].embedding.length, 16);
  assert.ok(Math.abs(Math.hypot(...short.data[0].embedding) - 1) < 1e-4);
  const packed = await client.embeddings.create({ model, input: "love", encoding_format: "base64" });
  const bytes = Buffer.from(packed.data[0].embedding, "base64");
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  assert.ok(whole.data[0].embedding.every((value, i) => Math.abs(value - values[i]) < 1e-6));
  await assert.rejects(client.embeddings.create({ model, input: "love", dimensions: 100_000 }), OpenAI.BadRequestError);
});

test("a stream tells its usage only where asked", async () => {
  const request = { model, messages, max_tokens: 4, stream: true };
  const chunks = async (options) => {
    const all = [];
    for await (const chunk of await client.chat.completions.create({ ...request, ...options })) {
      all.push(chunk);
    }
    return all;
  };
  assert.ok((await chunks({})).every((chunk) => !chunk.usage));
  const last = (await chunks({ stream_options: { include_usage: true } })).at(-1);
  assert.equal(last.choices.length, 0);
  assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
});

test("the usage tells what the prefix cache gave", async () => {
  const long = [{ role: "user", content: "To be or not to be, that is the question. ".repeat(8) }];
  await client.chat.completions.create({ model, messages: long, max_tokens: 2 });
  const again = await client.chat.completions.create({ model, messages: long, max_tokens: 2 });
  assert.ok(again.usage.prompt_tokens_details.cached_tokens >= 16);
  assert.ok(again.usage.prompt_tokens_details.cached_tokens < again.usage.prompt_tokens);
});

test("a response calls a tool, streamed, and takes its result", async () => {
  const tool = { type: "function", ...weather.function, strict: true };
  const events = [];
  const request = { model, input: "Good morrow", tools: [tool], tool_choice: "required", max_output_tokens: 600, seed: 3 };
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    events.push(event);
  }
  assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
  const done = events.find((e) => e.type === "response.function_call_arguments.done");
  assert.equal(typeof JSON.parse(done.arguments).city, "string");
  const call = events.at(-1).response.output[0];
  assert.equal(call.type, "function_call");
  const next = await client.responses.create({
    model,
    max_output_tokens: 4,
    input: [
      { role: "user", content: "Good morrow" },
      call,
      { type: "function_call_output", call_id: call.call_id, output: "21" },
    ],
  });
  assert.equal(next.object, "response");
});

test("responses answer, whole and streamed", async () => {
  const request = { model, input: "Good morrow", instructions: "Speak briefly.", max_output_tokens: 6, temperature: 0 };
  const whole = await client.responses.create(request);
  assert.equal(whole.object, "response");
  assert.ok(whole.output_text.length > 0);
  let text = "";
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    if (event.type === "response.output_text.delta") {
      text += event.delta;
    }
  }
  assert.equal(text, whole.output_text);
});

test("errors come as the client's own kinds", async () => {
  const wrong = new OpenAI({ baseURL: process.env.QUIRE_URL + "/v1", apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
  await assert.rejects(
    client.chat.completions.create({ model: "nothing", messages }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found",
  );
  await assert.rejects(
    client.chat.completions.create({ model, messages, temperature: -1 }),
    OpenAI.BadRequestError,
  );
  await assert.rejects(client.completions.create({ model }), OpenAI.BadRequestError);
});

async function settlesAt(wanted) {
  for (let i = 0; i < 100; i++) {
    if ((await stats()).running === wanted) {
      return true;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  return false;
}

test("a client that leaves ends its request, streamed or not", async () => {
  const long = { model, messages, max_tokens: 3000, ignore_eos: true };
  const stream = await client.chat.completions.create({ ...long, stream: true });
  for await (const chunk of stream) {
    void chunk;
    break;
  }
  stream.controller.abort();
  assert.ok(await settlesAt(0), "the stream's request goes on");

  const controller = new AbortController();
  const pending = client.chat.completions.create(long, { signal: controller.signal });
  assert.ok(await settlesAt(1), "the request did not start");
  controller.abort();
  await assert.rejects(pending, OpenAI.APIUserAbortError);
  assert.ok(await settlesAt(0), "the request goes on");
});
