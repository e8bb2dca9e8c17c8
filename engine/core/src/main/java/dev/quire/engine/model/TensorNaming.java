package dev.quire.engine.model;

/**
 * How a format calls the tensors of a layer. The prefix of a layer is written before each name,
 * {@code .weight} or {@code .bias} behind it.
 */
@SuppressWarnings("ImmutableEnumChecker")
enum TensorNaming {
  GGUF {
    @Override
    String layer(int index) {
      return "blk." + index + ".";
    }

    @Override
    String name(Role role, NormPlacement placement) {
      return switch (role) {
        case BEFORE_ATTENTION -> "attn_norm";
        case AFTER_ATTENTION -> "post_attention_norm";
        case BEFORE_FEED_FORWARD -> "ffn_norm";
        case AFTER_FEED_FORWARD -> "post_ffw_norm";
        case QUERY -> "attn_q";
        case KEY -> "attn_k";
        case VALUE -> "attn_v";
        case QUERY_KEY_VALUE -> "attn_qkv";
        case ATTENTION_OUTPUT -> "attn_output";
        case QUERY_NORM -> "attn_q_norm";
        case KEY_NORM -> "attn_k_norm";
        case GATE -> "ffn_gate";
        case UP, GATE_UP -> "ffn_up";
        case DOWN -> "ffn_down";
      };
    }
  },
  HUGGING_FACE {
    @Override
    String layer(int index) {
      return "layers." + index + ".";
    }

    @Override
    String name(Role role, NormPlacement placement) {
      return switch (role) {
        case BEFORE_ATTENTION -> "input_layernorm";
        case AFTER_ATTENTION -> "post_attention_layernorm";
        case BEFORE_FEED_FORWARD ->
            placement == NormPlacement.AROUND
                ? "pre_feedforward_layernorm"
                : "post_attention_layernorm";
        case AFTER_FEED_FORWARD -> "post_feedforward_layernorm";
        case QUERY -> "self_attn.q_proj";
        case KEY -> "self_attn.k_proj";
        case VALUE -> "self_attn.v_proj";
        case QUERY_KEY_VALUE -> "self_attn.qkv_proj";
        case ATTENTION_OUTPUT -> "self_attn.o_proj";
        case QUERY_NORM -> "self_attn.q_norm";
        case KEY_NORM -> "self_attn.k_norm";
        case GATE -> "mlp.gate_proj";
        case UP -> "mlp.up_proj";
        case GATE_UP -> "mlp.gate_up_proj";
        case DOWN -> "mlp.down_proj";
      };
    }
  };

  /** What a tensor of a layer is for. */
  enum Role {
    BEFORE_ATTENTION,
    AFTER_ATTENTION,
    BEFORE_FEED_FORWARD,
    AFTER_FEED_FORWARD,
    QUERY,
    KEY,
    VALUE,
    /** Query, key and value rows one after the other. */
    QUERY_KEY_VALUE,
    ATTENTION_OUTPUT,
    QUERY_NORM,
    KEY_NORM,
    GATE,
    UP,
    /** Gate rows, then up rows. */
    GATE_UP,
    DOWN
  }

  abstract String layer(int index);

  abstract String name(Role role, NormPlacement placement);
}
