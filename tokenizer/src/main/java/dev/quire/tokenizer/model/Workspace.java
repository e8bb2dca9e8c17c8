package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.IntList;
import dev.quire.tokenizer.text.Utf8Buffer;

/** What one encoding needs of scratch memory, and its result. For one thread at a time. */
public final class Workspace {
  private final IntList ids = new IntList();
  private final Utf8Buffer piece = new Utf8Buffer();
  private final Merger merger = new Merger();
  private final boolean useCache;

  /**
   * @param useCache whether models may look pieces up in their word cache (measurements turn it
   *     off)
   */
  public Workspace(boolean useCache) {
    this.useCache = useCache;
  }

  /** The ids so far. */
  public IntList ids() {
    return ids;
  }

  Utf8Buffer piece() {
    return piece;
  }

  Merger merger() {
    return merger;
  }

  boolean useCache() {
    return useCache;
  }
}
