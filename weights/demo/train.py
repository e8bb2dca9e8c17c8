"""Trains Quire's embedded default model: a small Llama on tiny Shakespeare.

Writes into the output folder
  tokenizer.json        the byte-level BPE vocabulary, learned on the training part alone
  shakespeare-f16.gguf  the best checkpoint, F16 (norms F32), with vocabulary and chat template
  held-out.txt          the text that training never sees
  losses.json           what README.md reports

Needs torch, tokenizers, gguf and numpy; one GPU makes it minutes. Usage:
  python3 train.py --text shakespeare.txt --out OUT [--seed 1] ...
"""

import argparse
import copy
import json
import math
import random
import re
import time
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

SPECIAL = ["<|bos|>", "<|eot|>", "<|chat|>"]
BOS, EOT, CHAT = 0, 1, 2
HEADS, KV_HEADS, EPSILON, ROPE_BASE = 8, 4, 1e-5, 10000.0

# A conversation is a scene: who speaks is a name before the words, a turn ends with <|eot|>.
CHAT_TEMPLATE = (
    "{{ bos_token }}<|chat|>"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'First Citizen:\\n' + message['content'] + '<|eot|>' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'ROMEO:\\n' + message['content'] + '<|eot|>' }}"
    "{% else %}{{ message['content'] + '<|eot|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ROMEO:\\n' }}{% endif %}"
)


class Norm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, EPSILON)


def rotate(x, cos, sin):
    """Rotary embedding over neighbouring pairs, the order that GGUF's llama architecture stores."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).type_as(x)


class Layer(nn.Module):
    def __init__(self, hidden, ffn, dropout):
        super().__init__()
        head = hidden // HEADS
        self.attn_norm, self.ffn_norm = Norm(hidden), Norm(hidden)
        self.q = nn.Linear(hidden, HEADS * head, bias=False)
        self.k = nn.Linear(hidden, KV_HEADS * head, bias=False)
        self.v = nn.Linear(hidden, KV_HEADS * head, bias=False)
        self.o = nn.Linear(HEADS * head, hidden, bias=False)
        self.gate = nn.Linear(hidden, ffn, bias=False)
        self.up = nn.Linear(hidden, ffn, bias=False)
        self.down = nn.Linear(ffn, hidden, bias=False)
        self.dropout = dropout

    def forward(self, x, cos, sin):
        batch, length, hidden = x.shape
        head = hidden // HEADS
        h = self.attn_norm(x)
        q = rotate(self.q(h).view(batch, length, HEADS, head).transpose(1, 2), cos, sin)
        k = rotate(self.k(h).view(batch, length, KV_HEADS, head).transpose(1, 2), cos, sin)
        v = self.v(h).view(batch, length, KV_HEADS, head).transpose(1, 2)
        k = k.repeat_interleave(HEADS // KV_HEADS, 1)
        v = v.repeat_interleave(HEADS // KV_HEADS, 1)
        a = F.scaled_dot_product_attention(
            q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0)
        a = self.o(a.transpose(1, 2).reshape(batch, length, hidden))
        x = x + F.dropout(a, self.dropout, self.training)
        h = self.ffn_norm(x)
        h = self.down(F.silu(self.gate(h)) * self.up(h))
        return x + F.dropout(h, self.dropout, self.training)


class Model(nn.Module):
    def __init__(self, vocabulary, hidden, ffn, layers, context, dropout):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, hidden)
        self.layers = nn.ModuleList(Layer(hidden, ffn, dropout) for _ in range(layers))
        self.norm = Norm(hidden)
        self.dropout = dropout
        head = hidden // HEADS
        angle = torch.outer(
            torch.arange(context).float(), ROPE_BASE ** (-torch.arange(0, head, 2).float() / head))
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                scale = 0.02 / math.sqrt(2 * layers) if name.endswith(("o.weight", "down.weight")) else 0.02
                nn.init.normal_(p, std=scale)

    def forward(self, ids):
        x = F.dropout(self.embed(ids), self.dropout, self.training)
        for layer in self.layers:
            x = layer(x, self.cos[: ids.shape[1]], self.sin[: ids.shape[1]])
        return F.linear(self.norm(x), self.embed.weight)


def learn_vocabulary(text, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [text],
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=SPECIAL,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False))
    return tokenizer


def perplexity(model, ids, context, device):
    """Consecutive windows of the model's context, BOS and context - 1 tokens each, no overlap;
    every token but BOS is predicted and counted. Returns the mean negative log likelihood."""
    model.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(ids), context - 1):
            window = torch.tensor([[BOS] + ids[start : start + context - 1]], device=device)
            logits = model(window[:, :-1]).float()
            total += F.cross_entropy(logits[0], window[0, 1:], reduction="sum").item()
    model.train()
    return total / len(ids)


def windows(tokenizer, text, speeches, context, merge_dropout, chat_share, rng):
    """One pass over the text, encoded anew with dropped merges, cut at random offsets, shuffled."""
    tokenizer.model.dropout = merge_dropout or None
    plain = tokenizer.encode(text).ids
    result = []
    start = rng.randrange(context - 1)
    while start + context - 1 < len(plain):
        result.append([BOS] + plain[start : start + context - 1] + [plain[start + context - 1]])
        start += context - 1
    for _ in range(int(len(result) * chat_share)):
        scene = [BOS, CHAT]
        at = rng.randrange(len(speeches) - 1)
        while len(scene) < context + 1:
            scene += tokenizer.encode(speeches[at % len(speeches)]).ids + [EOT]
            at += 1
        result.append(scene[: context + 1])
    tokenizer.model.dropout = None
    rng.shuffle(result)
    return result


def export(model, tokenizer, path, arguments):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Quire Shakespeare")
    writer.add_description("A small Llama trained on tiny Shakespeare")
    writer.add_context_length(arguments.context)
    writer.add_embedding_length(arguments.hidden)
    writer.add_block_count(arguments.layers)
    writer.add_feed_forward_length(arguments.ffn)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(arguments.hidden // HEADS)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(tokenizer.get_vocab_size())
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    data = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(data["vocab"], key=data["vocab"].get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in data["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOT)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)

    def add(name, weight):
        a = weight.detach().float().cpu().numpy()
        writer.add_tensor(name, a if a.ndim == 1 else a.astype(np.float16))

    add("token_embd.weight", model.embed.weight)
    add("output_norm.weight", model.norm.weight)
    for i, layer in enumerate(model.layers):
        for name, weight in (
            ("attn_norm", layer.attn_norm), ("attn_q", layer.q), ("attn_k", layer.k),
            ("attn_v", layer.v), ("attn_output", layer.o), ("ffn_norm", layer.ffn_norm),
            ("ffn_gate", layer.gate), ("ffn_up", layer.up), ("ffn_down", layer.down)):
            add(f"blk.{i}.{name}.weight", weight.weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--text", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--vocabulary", type=int, default=2048)
    p.add_argument("--hidden", type=int, default=256)
    p.add_argument("--ffn", type=int, default=768)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--context", type=int, default=512)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--steps", type=int, default=6000)
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--decay", type=float, default=1.0)
    p.add_argument("--dropout", type=float, default=0.3)
    p.add_argument("--merge-dropout", type=float, default=0.1)
    p.add_argument("--chat-share", type=float, default=0.15)
    p.add_argument("--average", type=float, default=0.995)
    p.add_argument("--patience", type=int, default=12)
    a = p.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    random.seed(a.seed)
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False

    text = Path(a.text).read_text(encoding="utf-8")
    cut = text.index("\n\n", len(text) * 9 // 10) + 2
    training, held_out = text[:cut], text[cut:]
    (out / "held-out.txt").write_text(held_out, encoding="utf-8")
    tokenizer = learn_vocabulary(training, a.vocabulary)
    tokenizer.save(str(out / "tokenizer.json"))
    speeches = [s for s in re.split(r"\n\n+", training) if s]
    held_out_ids = tokenizer.encode(held_out).ids

    model = Model(tokenizer.get_vocab_size(), a.hidden, a.ffn, a.layers, a.context, a.dropout).to(device)
    parameters = sum(w.numel() for w in model.parameters())
    matrices = [w for w in model.parameters() if w.dim() == 2]
    vectors = [w for w in model.parameters() if w.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": a.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=a.rate, betas=(0.9, 0.98))
    average = copy.deepcopy(model)
    for w in average.parameters():
        w.requires_grad_(False)

    queue, curve, best, best_state, waited, began = [], [], float("inf"), None, 0, time.time()
    for step in range(1, a.steps + 1):
        while len(queue) < a.batch:
            queue += windows(
                tokenizer, training, speeches, a.context, a.merge_dropout, a.chat_share, rng)
        ids = torch.tensor(queue[: a.batch], device=device)
        del queue[: a.batch]
        warm = min(1.0, step / 100)
        rate = a.rate * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / a.steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(a.average, step / (step + 10))
            for mean, w in zip(average.parameters(), model.parameters()):
                mean.lerp_(w, 1 - keep)
        if step % 100 == 0 or step == a.steps:
            held = perplexity(average, held_out_ids, a.context, device)
            curve.append({"step": step, "train": round(loss.item(), 4), "heldOut": round(held, 4)})
            print(curve[-1], f"{time.time() - began:.0f} s", flush=True)
            if held < best:
                best, best_state, waited = held, copy.deepcopy(average.state_dict()), 0
            else:
                waited += 1
                if waited >= a.patience:
                    break

    average.load_state_dict(best_state)
    full = perplexity(average, held_out_ids, a.context, device)
    export(average, tokenizer, out / "shakespeare-f16.gguf", a)
    with torch.no_grad():
        for w in average.parameters():
            if w.dim() == 2:
                w.copy_(w.half().float())
    half = perplexity(average, held_out_ids, a.context, device)
    bytes_a_token = len(held_out.encode()) / len(held_out_ids)
    report = {
        "arguments": vars(a) | {"text": Path(a.text).name, "out": "OUT"},
        "parameters": parameters,
        "trainingCharacters": len(training), "heldOutCharacters": len(held_out),
        "heldOutTokens": len(held_out_ids),
        "heldOutLossFloat32": full, "heldOutLossFloat16": half,
        "heldOutPerplexityFloat32": math.exp(full), "heldOutPerplexityFloat16": math.exp(half),
        "heldOutBitsPerByte": half / bytes_a_token / math.log(2),
        "curve": curve,
    }
    (out / "losses.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({k: v for k, v in report.items() if k != "curve"}, indent=1))

    prompt = [BOS] + tokenizer.encode("ROMEO:").ids
    average.eval()
    with torch.no_grad():
        while len(prompt) < 160:
            logits = average(torch.tensor([prompt], device=device))[0, -1].float() / 0.8
            prompt.append(torch.multinomial(logits.softmax(-1), 1).item())
    print(tokenizer.decode(prompt))


if __name__ == "__main__":
    main()
