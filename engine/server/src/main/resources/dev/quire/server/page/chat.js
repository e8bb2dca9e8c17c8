// Talks to the server by the same API as every other client.

/** Streams answers; calls `onPiece({index, content, reasoning})` as they come. */
export async function answer(request, key, signal, onPiece) {
  const headers = { "content-type": "application/json" };
  if (key) {
    headers.authorization = "Bearer " + key;
  }
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers,
    signal,
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => null);
    throw new Error(problem?.error?.message ?? "The server answered " + response.status);
  }
  let usage = null;
  let reason = null;
  for await (const chunk of events(response.body)) {
    if (chunk.error) {
      throw new Error(chunk.error.message);
    }
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content || choice?.delta?.reasoning_content) {
      onPiece({
        index: choice.index,
        content: choice.delta.content ?? "",
        reasoning: choice.delta.reasoning_content ?? "",
      });
    }
    reason = choice?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
  }
  return { usage, reason };
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    rest += value;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") {
        yield JSON.parse(line.slice(6));
      }
    }
  }
}
