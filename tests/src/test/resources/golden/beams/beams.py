"""Beam searches of the golden Llama by Hugging Face transformers, as beams.json.

    python beams.py > beams.json        # transformers 5.18, torch 2.13, float32
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import load_file

folder = pathlib.Path(__file__).resolve().parent.parent / "models" / "llama"
model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
model.eval()
rows = load_file(folder / "expected.safetensors")["input_ids"]
prompts = [rows[0].tolist(), rows[1].tolist()[:20], rows[0].tolist()[:7]]

cases = []
for p, prompt in enumerate(prompts):
    greedy = model.generate(
        torch.tensor([prompt]), max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0
    )[0, len(prompt) :].tolist()
    for eos in [[], [greedy[6]], [greedy[3], greedy[11], 5]]:
        for width in [2, 4, 8]:
            for penalty in [0.0, 1.0, 2.0, -1.0]:
                for early in [False, True, "never"]:
                    out = model.generate(
                        torch.tensor([prompt]),
                        max_new_tokens=24,
                        do_sample=False,
                        num_beams=width,
                        num_return_sequences=width,
                        length_penalty=penalty,
                        early_stopping=early,
                        eos_token_id=eos or None,
                        pad_token_id=0,
                        output_scores=True,
                        return_dict_in_generate=True,
                    )
                    outputs = []
                    for ids in out.sequences[:, len(prompt) :].tolist():
                        ends = [i for i, t in enumerate(ids) if t in eos]
                        outputs.append(ids[: ends[0] + 1] if ends else ids)
                    cases.append(
                        {
                            "prompt": p,
                            "width": width,
                            "lengthPenalty": penalty,
                            "earlyStopping": str(early).lower(),
                            "endings": eos,
                            "outputs": outputs,
                            "scores": [round(s, 6) for s in out.sequences_scores.tolist()],
                        }
                    )
print("{")
print('  "model": "models/llama", "maxNewTokens": 24, "transformers": "%s",' % transformers.__version__)
print('  "prompts": %s,' % json.dumps(prompts))
print('  "cases": [')
print(",\n".join("    " + json.dumps(c, separators=(",", ":")) for c in cases))
print("  ]\n}")
