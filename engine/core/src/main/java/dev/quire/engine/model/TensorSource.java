package dev.quire.engine.model;

import dev.quire.weights.ModelFile;
import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The tensors of a file with their shapes checked; what is missing or misshapen is refused. */
final class TensorSource {
  private final ModelFile file;
  private final String prefix;

  /**
   * @param prefix of all names but those that {@link #outer} looks up
   */
  TensorSource(ModelFile file, String prefix) {
    this.file = file;
    this.prefix = prefix;
  }

  boolean has(String name) {
    return file.tensor(prefix + name) != null;
  }

  /** Refuses a file that has a tensor which its description has no use for. */
  void refuse(String name, String reason) {
    if (has(name)) {
      throw WeightsException.in(file.path(), "tensor '%s' %s".formatted(prefix + name, reason));
    }
  }

  Tensor tensor(String name, long... shape) {
    return checked(prefix + name, file.tensor(prefix + name), shape);
  }

  /** A tensor whose name doesn't take the prefix. */
  Tensor outer(String name, long... shape) {
    return checked(name, file.tensor(name), shape);
  }

  private Tensor checked(String name, @Nullable Tensor tensor, long... shape) {
    if (tensor == null) {
      throw WeightsException.in(file.path(), "tensor '%s' is missing".formatted(name));
    }
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw WeightsException.in(
          file.path(),
          "tensor '%s' has shape %s where the model's sizes ask for %s"
              .formatted(name, Arrays.toString(tensor.shape()), Arrays.toString(shape)));
    }
    if (!tensor.type().isSupported()) {
      throw WeightsException.in(
          file.path(),
          "tensor '%s' is of type %s, which isn't supported".formatted(name, tensor.type()));
    }
    return tensor;
  }

  float[] vector(String name, int size) {
    return tensor(name, size).toFloats();
  }

  /** The rows {@code [from, to)} of a matrix as a tensor of their own, sharing the data. */
  static Tensor rows(Tensor matrix, String name, int from, int to) {
    long rowBytes = matrix.type().bytesFor(matrix.columns());
    return new Tensor(
        name,
        matrix.type(),
        new long[] {to - from, matrix.columns()},
        matrix.data().asSlice(from * rowBytes, (to - from) * rowBytes));
  }

  /** One matrix of a stack of them, sharing the data. */
  static Tensor element(Tensor stack, int index) {
    long[] shape = {stack.shape()[1], stack.shape()[2]};
    long bytes = Tensor.bytes(stack.name(), stack.type(), shape);
    return new Tensor(
        stack.name() + "[" + index + "]",
        stack.type(),
        shape,
        stack.data().asSlice(index * bytes, bytes));
  }
}
