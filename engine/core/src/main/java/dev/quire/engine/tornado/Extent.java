package dev.quire.engine.tornado;

/**
 * How a dimension of the model lies on the device: groups of elements, each filled up with zeros to
 * what the kernels take.
 *
 * <pre>
 *   heads of 20 elements   │ head 0: 0 … 19, 12 zeros │ head 1: 20 … 39, 12 zeros │ …
 *   36 hidden elements     │ 0 … 35, 4 zeros │
 * </pre>
 *
 * @param groups how many of them
 * @param size elements of a group
 * @param padded elements of a group on the device
 */
record Extent(int groups, int size, int padded) {
  /** A dimension that lies as it is. */
  static Extent whole(int size) {
    return new Extent(1, size, size);
  }

  /** Whether nothing is filled up. */
  boolean isWhole() {
    return size == padded;
  }

  /** Elements of the model. */
  int elements() {
    return groups * size;
  }

  /** Elements on the device. */
  int total() {
    return groups * padded;
  }

  /** The model's element that lies at a place of the device; -1 where a zero does. */
  int source(int place) {
    int within = place % padded;
    return within < size ? place / padded * size + within : -1;
  }

  /** Where an element of the model lies on the device. */
  int place(int element) {
    return element / size * padded + element % size;
  }

  /** A vector as it lies on the device, all of it multiplied by a factor. */
  float[] spread(float[] values, float factor) {
    float[] spread = new float[total()];
    for (int i = 0; i < values.length; i++) {
      spread[place(i)] = values[i] * factor;
    }
    return spread;
  }
}
