package dev.quire.paging;

/** A cache that cannot be built as asked, or whose bookkeeping is found broken. */
public final class PagingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public PagingException(String message) {
    super(message);
  }
}
