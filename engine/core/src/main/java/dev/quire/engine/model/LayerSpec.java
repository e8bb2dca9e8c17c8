package dev.quire.engine.model;

/**
 * One decoder layer.
 *
 * @param cacheGroup index into {@link DecoderSpec#cacheGroups()} of the group whose block tables
 *     this layer's keys and values are found through
 */
public record LayerSpec(
    int cacheGroup,
    NormPlacement normPlacement,
    AttentionSpec attention,
    FeedForwardSpec feedForward) {}
