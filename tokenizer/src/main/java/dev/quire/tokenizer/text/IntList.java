package dev.quire.tokenizer.text;

import java.util.Arrays;

/** A growable list of ints. */
public final class IntList {
  private int[] items = new int[64];
  private int size;

  public void add(int item) {
    if (size == items.length) {
      items = Arrays.copyOf(items, size * 2);
    }
    items[size++] = item;
  }

  public void addAll(int[] more) {
    if (size + more.length > items.length) {
      items = Arrays.copyOf(items, Math.max(items.length * 2, size + more.length));
    }
    System.arraycopy(more, 0, items, size, more.length);
    size += more.length;
  }

  public int get(int index) {
    return items[index];
  }

  public int size() {
    return size;
  }

  /** Forgets all items from {@code newSize} on. */
  public void truncate(int newSize) {
    size = newSize;
  }

  public int[] toArray() {
    return Arrays.copyOf(items, size);
  }

  /** A copy of the items from {@code from} on. */
  public int[] tail(int from) {
    return Arrays.copyOfRange(items, from, size);
  }
}
