package dev.quire.tornado.jvm;

import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** What rewritten kernels call in front of their accesses. */
public final class Watch {
  private Watch() {}

  /** A plain array is about to be read. */
  public static void load(Object array, int index) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.loadPlain(array, index);
    }
  }

  /** A plain array is about to be written. */
  public static void store(Object array, int index) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.storePlain(array, index);
    }
  }

  /** A native array is about to be read. */
  public static void load(TornadoNativeArray array, int index, int elements) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.loadNative(array, index, elements);
    }
  }

  /** A native array is about to be written. */
  public static void store(TornadoNativeArray array, int index, int elements) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.storeNative(array, index, elements);
    }
  }

  /** A method has been given an array. */
  public static void passed(Object array, String method) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.passed(array, method);
    }
  }

  /** A barrier is about to be reached; no other has that name. */
  public static void site(String place) {
    GroupWatch watch = GroupWatch.current();
    if (watch != null) {
      watch.site(place);
    }
  }
}
