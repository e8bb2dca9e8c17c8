"""Makes golden folders: tiny random models, and what transformers computes with them in float32.

    python make_models.py OUT [NAME...]     (torch 2.13, transformers 5.18)
"""
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import (Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM, Olmo2Config, Olmo2ForCausalLM,
                          Phi3Config, Phi3ForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen2MoeConfig, Qwen2MoeForCausalLM,
                          Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM, SmolLM3Config,
                          SmolLM3ForCausalLM)

base = dict(vocab_size=128, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=0,
            tie_word_embeddings=False)
torch.manual_seed(7)
short = [round(1 + 0.05 * i, 3) for i in range(8)]
long = [round(1 + 0.9 * i, 3) for i in range(8)]
half_s, half_l = short[:4], long[:4]
# Odd sizes and the less trodden options, as small as they can be.
odd = {**base, 'vocab_size': 67, 'hidden_size': 32, 'intermediate_size': 40, 'num_hidden_layers': 3}
# Sizes that neither 8 nor 16 divides.
odder = {**base, 'vocab_size': 67, 'hidden_size': 36, 'intermediate_size': 50, 'num_attention_heads': 3, 'num_key_value_heads': 1}
windows = dict(use_sliding_window=True, sliding_window=8)
MODELS = {
    'llama-yarn': (LlamaForCausalLM, LlamaConfig(**base, rope_parameters=dict(rope_type='yarn', rope_theta=10000.0, factor=8.0, original_max_position_embeddings=64))),
    'llama-linear': (LlamaForCausalLM, LlamaConfig(**base, rope_parameters=dict(rope_type='linear', rope_theta=10000.0, factor=4.0))),
    'qwen2-yarn-mscale': (Qwen2ForCausalLM, Qwen2Config(**base, rope_parameters=dict(rope_type='yarn', rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=128, mscale=1.0, mscale_all_dim=0.707, beta_fast=16.0, beta_slow=2.0))),
    'phi3-longrope': (Phi3ForCausalLM, Phi3Config(**{**base, 'max_position_embeddings': 256}, original_max_position_embeddings=32, rope_parameters=dict(rope_type='longrope', rope_theta=10000.0, short_factor=short, long_factor=long))),
    'phi3-longrope-crossing': (Phi3ForCausalLM, Phi3Config(**{**base, 'max_position_embeddings': 256}, original_max_position_embeddings=64, rope_parameters=dict(rope_type='longrope', rope_theta=10000.0, short_factor=short, long_factor=long))),
    'phi3-partial': (Phi3ForCausalLM, Phi3Config(**{**base, 'max_position_embeddings': 256}, original_max_position_embeddings=128, rope_parameters=dict(rope_type='longrope', rope_theta=10000.0, partial_rotary_factor=0.5, short_factor=half_s, long_factor=half_l))),
    'qwen2-moe': (Qwen2MoeForCausalLM, Qwen2MoeConfig(**base, moe_intermediate_size=32, shared_expert_intermediate_size=48, num_experts=6, num_experts_per_tok=2, norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[])),
    'llama-biases': (LlamaForCausalLM, LlamaConfig(**{**odd, 'num_attention_heads': 3, 'num_key_value_heads': 3, 'hidden_size': 48}, head_dim=24, attention_bias=True, mlp_bias=True)),
    'qwen2-moe-windows': (Qwen2MoeForCausalLM, Qwen2MoeConfig(**{**odd, 'num_key_value_heads': 1, 'num_hidden_layers': 4}, **windows, max_window_layers=3, moe_intermediate_size=24, shared_expert_intermediate_size=24, num_experts=4, num_experts_per_tok=3, norm_topk_prob=True, decoder_sparse_step=2)),
    'qwen3-moe-windows': (Qwen3MoeForCausalLM, Qwen3MoeConfig(**{**odd, 'num_key_value_heads': 1}, head_dim=24, **windows, max_window_layers=1, moe_intermediate_size=24, num_experts=4, num_experts_per_tok=1, norm_topk_prob=True, mlp_only_layers=[0])),
    'llama-odd': (LlamaForCausalLM, LlamaConfig(**odder, head_dim=20, mlp_bias=True)),
    'qwen3-odd': (Qwen3ForCausalLM, Qwen3Config(**{**odder, 'tie_word_embeddings': True}, head_dim=36, attention_bias=True)),
    'olmo2-odd': (Olmo2ForCausalLM, Olmo2Config(**{**odder, 'hidden_size': 60})),
    'gemma2-odd': (Gemma2ForCausalLM, Gemma2Config(**{**odder, 'hidden_size': 42}, head_dim=40, query_pre_attn_scalar=40, sliding_window=8)),
    'qwen2-moe-odd': (Qwen2MoeForCausalLM, Qwen2MoeConfig(**odder, moe_intermediate_size=22, shared_expert_intermediate_size=30, num_experts=5, num_experts_per_tok=2, norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[])),
    'smollm3-windows': (SmolLM3ForCausalLM, SmolLM3Config(**{**odd, 'num_hidden_layers': 4}, **windows, no_rope_layer_interval=2, attention_bias=True)),
}

def main(out, names):
    for name in names or MODELS:
        cls, config = MODELS[name]
        torch.manual_seed(sum(map(ord, name)))
        model = cls(config).float().eval()
        with torch.no_grad():
            for p in model.parameters():
                if p.dim() > 1: p.normal_(0, 0.12)
                else: p.normal_(1.0 if p.shape[0] and p.mean() > 0.5 else 0.0, 0.1)
        model = model.to(torch.bfloat16)
        folder = os.path.join(out, name)
        model.save_pretrained(folder)
        for extra in ('generation_config.json',):
            f = os.path.join(folder, extra)
            if os.path.exists(f): os.remove(f)
        model = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager', experts_implementation='eager').eval()
        g = torch.Generator().manual_seed(11)
        ids = torch.randint(3, config.vocab_size, (2, 48), generator=g)
        with torch.no_grad():
            logits = model(ids).logits
            greedy, row = [], ids[:1]
            for _ in range(32):  # without a cache: every step sees the whole row anew
                n = int(model(row, use_cache=False).logits[0, -1].argmax())
                greedy.append(n); row = torch.cat([row, torch.tensor([[n]])], 1)
        save_file({'input_ids': ids.int(), 'logits': logits.float().contiguous(), 'greedy_ids': torch.tensor(greedy, dtype=torch.int32)}, os.path.join(folder, 'expected.safetensors'))
        print(name, os.listdir(folder), logits.std().item(), len(set(greedy)))

main(sys.argv[1], sys.argv[2:])
