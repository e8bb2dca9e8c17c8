package dev.quire.engine.model;

import dev.quire.paging.CacheGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A decoder-only transformer as data: everything that an executor must know besides the weights.
 *
 * <pre>
 *   x = embedding[token] · embeddingScale
 *   each layer:  x += residualScale · norm(attention(norm(x)))
 *                x += residualScale · norm(feedForward(norm(x)))
 *   logits = cap(head(norm(x)) · logitScale)
 * </pre>
 *
 * <p>All norms are RMS norms (Zhang and Sennrich, arXiv 1910.07467) with {@code normEpsilon};
 * {@link NormPlacement} says which of a layer's exist.
 *
 * @param architecture as the file names it
 * @param contextLength tokens that the model was made for
 * @param logitSoftCap c in {@code c · tanh(logit / c)}; 0: none
 * @param tiedHead whether the embedding is the head, too
 * @param cacheGroups the kinds of layers by what they keep of a context; a layer names its own
 */
public record DecoderSpec(
    String architecture,
    int vocabularySize,
    int hiddenSize,
    int contextLength,
    float normEpsilon,
    float embeddingScale,
    float residualScale,
    float logitScale,
    float logitSoftCap,
    boolean tiedHead,
    List<CacheGroup> cacheGroups,
    List<LayerSpec> layers) {

  public DecoderSpec {
    cacheGroups = List.copyOf(cacheGroups);
    layers = List.copyOf(layers);
  }

  /** The cache groups of layers with these windows, in order of first use. */
  static List<CacheGroup> groupsOf(int[] windows) {
    List<CacheGroup> groups = new ArrayList<>();
    for (int window : windows) {
      CacheGroup group =
          window == 0 ? new CacheGroup("full", 0) : new CacheGroup("window " + window, window);
      if (!groups.contains(group)) {
        groups.add(group);
      }
    }
    return groups;
  }

  /** The group among {@code groups} of a layer with this window. */
  static int groupOf(List<CacheGroup> groups, int window) {
    for (int i = 0; i < groups.size(); i++) {
      if (groups.get(i).slidingWindow() == window) {
        return i;
      }
    }
    throw new IllegalArgumentException("no cache group of window " + window);
  }

  /** The distinct rotary embeddings, in order of first use. */
  public List<RopeSpec> ropes() {
    return layers.stream()
        .map(layer -> layer.attention().rope())
        .filter(Objects::nonNull)
        .distinct()
        .toList();
  }

  /** The length beyond which a sequence's keys are others than up to it; 0 for none. */
  public int stretchedBeyond() {
    return ropes().stream()
        .mapToInt(RopeSpec::stretchedBeyond)
        .filter(length -> length > 0)
        .min()
        .orElse(0);
  }

  /** Elements that K and V of one token take together, over all layers of a cache group. */
  public long cacheElements(int group) {
    return layers.stream()
        .filter(layer -> layer.cacheGroup() == group)
        .mapToLong(layer -> 2L * layer.attention().kvSize())
        .sum();
  }
}
