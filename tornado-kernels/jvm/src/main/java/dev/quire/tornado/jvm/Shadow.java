package dev.quire.tornado.jvm;

import org.jspecify.annotations.Nullable;

/**
 * Who touched which element since the last barrier: a hash table from (array, index) to the last
 * writer and the reader. A slot counts only while its stamp is the current interval, so that a
 * barrier empties the table by moving on.
 */
final class Shadow {
  private static final int NOBODY = -1;
  private static final int SEVERAL = -2;
  private static final int ATOMIC = -3;

  private long[] keys = new long[1 << 10];
  private int[] stamps = new int[1 << 10];
  private int[] writers = new int[1 << 10];
  private int[] readers = new int[1 << 10];
  private int used;
  private int interval = 1;

  /** A barrier was passed. */
  void advance() {
    interval++;
    used = 0;
  }

  /** Notes a read; what is wrong with it, or null. */
  @Nullable String read(int array, int index, int thread) {
    int slot = slot(array, index);
    int writer = writers[slot];
    if (writer != NOBODY && writer != thread) {
      return "is read, written by " + name(writer);
    }
    int reader = readers[slot];
    readers[slot] = reader == NOBODY || reader == thread ? thread : SEVERAL;
    return null;
  }

  /** Notes a write; what is wrong with it, or null. */
  @Nullable String write(int array, int index, int thread) {
    int slot = slot(array, index);
    int writer = writers[slot];
    if (writer != NOBODY && writer != thread) {
      return "is written, written by " + name(writer);
    }
    int reader = readers[slot];
    if (reader != NOBODY && reader != thread) {
      return "is written, read by " + name(reader);
    }
    writers[slot] = thread;
    return null;
  }

  /** Notes an atomic addition; what is wrong with it, or null. */
  @Nullable String add(int array, int index, int thread) {
    int slot = slot(array, index);
    int writer = writers[slot];
    if (writer != NOBODY && writer != thread && writer != ATOMIC) {
      return "is added to, written by " + name(writer);
    }
    int reader = readers[slot];
    if (reader != NOBODY && reader != thread) {
      return "is added to, read by " + name(reader);
    }
    writers[slot] = ATOMIC;
    return null;
  }

  private static String name(int thread) {
    return switch (thread) {
      case SEVERAL -> "several threads";
      case ATOMIC -> "atomic additions";
      default -> "thread #" + thread;
    };
  }

  private int slot(int array, int index) {
    if (2 * used >= keys.length) {
      grow();
    }
    long key = (long) array << 32 | index;
    int mask = keys.length - 1;
    int slot = hash(key) & mask;
    while (stamps[slot] == interval) {
      if (keys[slot] == key) {
        return slot;
      }
      slot = slot + 1 & mask;
    }
    keys[slot] = key;
    stamps[slot] = interval;
    writers[slot] = NOBODY;
    readers[slot] = NOBODY;
    used++;
    return slot;
  }

  private static int hash(long key) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32);
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldStamps = stamps;
    int[] oldWriters = writers;
    int[] oldReaders = readers;
    keys = new long[2 * oldKeys.length];
    stamps = new int[keys.length];
    writers = new int[keys.length];
    readers = new int[keys.length];
    used = 0;
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldStamps[i] == interval) {
        int slot = slot((int) (oldKeys[i] >>> 32), (int) oldKeys[i]);
        writers[slot] = oldWriters[i];
        readers[slot] = oldReaders[i];
      }
    }
  }
}
