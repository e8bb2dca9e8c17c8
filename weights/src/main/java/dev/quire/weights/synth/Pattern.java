package dev.quire.weights.synth;

import dev.quire.weights.gguf.TensorSource;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A stretch of normally distributed weights, encoded once; tensors are put together of short runs
 * of its blocks, taken at random places. So statistics are those of truly encoded weights, while
 * the speed is that of copying memory.
 *
 * <pre>
 * tensor   | run 0 | run 1 | run 2 | …        a run: 2048 elements
 *              ↑ pattern[random(seed, run)]   at a block's start
 * </pre>
 */
final class Pattern {
  private static final int ELEMENTS = 1 << 18;
  private static final int RUN = 2048;

  private final TensorType type;
  private final MemorySegment blocks;

  Pattern(TensorType type, float deviation, long seed) {
    this.type = type;
    float[] values = new float[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      values[i] = deviation * Counter.normal(seed, i);
    }
    blocks = MemorySegment.ofArray(new byte[(int) type.bytesFor(ELEMENTS)]);
    type.codec().encode(values, 0, blocks, 0, ELEMENTS);
  }

  /** A tensor of these weights; different seeds give different ones. */
  TensorSource tensor(long seed) {
    int blocksToChooseFrom = (ELEMENTS - RUN) / type.blockElements() + 1;
    return (first, elements, piece) -> {
      for (int done = 0; done < elements; done += RUN) {
        long bytes = type.bytesFor(Math.min(RUN, elements - done));
        long block = Counter.below(blocksToChooseFrom, seed, (first + done) / RUN);
        MemorySegment.copy(
            blocks,
            ValueLayout.JAVA_BYTE,
            block * type.blockBytes(),
            piece,
            ValueLayout.JAVA_BYTE,
            type.bytesFor(done),
            bytes);
      }
    };
  }
}
