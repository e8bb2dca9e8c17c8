package dev.quire.tests;

import dev.quire.weights.safetensors.SafetensorsFile;
import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/**
 * What transformers computes in float32 for a model: two rows of tokens, the logits at every
 * position, and the greedy continuation of the first row.
 */
@SuppressWarnings("ArrayRecordComponent") // test data, never compared
record Golden(Path model, int[][] tokens, float[][] logits, int[] greedy, int vocabulary) {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static Path folder() {
    return Path.of(System.getProperty("quire.root", ".."), "tests/src/test/resources/golden");
  }

  static Golden folder(String name) {
    Path model = folder().resolve("models").resolve(name);
    return of(model, model.resolve("expected.safetensors"));
  }

  static Golden gguf(String type) {
    Path gguf = folder().resolve("gguf");
    return of(
        gguf.resolve("llama-" + type + ".gguf"),
        gguf.resolve("llama-" + type + ".expected.safetensors"));
  }

  private static Golden of(Path model, Path expected) {
    try (SafetensorsFile file = SafetensorsFile.open(expected)) {
      Map<String, Tensor> tensors = file.tensors();
      Tensor ids = tensor(tensors, "input_ids");
      Tensor logits = tensor(tensors, "logits");
      int rows = ids.rows();
      int length = ids.columns();
      int[] flatIds = ids.data().toArray(INT);
      float[] flatLogits = logits.toFloats();
      int vocabulary = (int) logits.shape()[2];
      int[][] tokens = new int[rows][];
      float[][] values = new float[rows][];
      for (int r = 0; r < rows; r++) {
        tokens[r] = Arrays.copyOfRange(flatIds, r * length, (r + 1) * length);
        values[r] =
            Arrays.copyOfRange(flatLogits, r * length * vocabulary, (r + 1) * length * vocabulary);
      }
      int[] greedy = tensor(tensors, "greedy_ids").data().toArray(INT);
      return new Golden(model, tokens, values, greedy, vocabulary);
    }
  }

  private static Tensor tensor(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  /** The worst relative RMSE of any position of a row. */
  double worstError(int row, float[] actual) {
    return worstError(logits[row], actual, vocabulary);
  }

  /** The worst relative RMSE of any position. */
  static double worstError(float[] expected, float[] actual, int vocabulary) {
    double worst = 0;
    for (int from = 0; from < expected.length; from += vocabulary) {
      double difference = 0;
      double size = 0;
      for (int v = from; v < from + vocabulary; v++) {
        difference += Math.pow(actual[v] - expected[v], 2);
        size += Math.pow(expected[v], 2);
      }
      worst = Math.max(worst, Math.sqrt(difference / size));
    }
    return worst;
  }
}
