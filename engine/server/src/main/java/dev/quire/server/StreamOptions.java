package dev.quire.server;

/** {@code stream_options}. */
final class StreamOptions {
  private StreamOptions() {}

  /** Whether a stream ends with the figures. */
  static boolean usage(RequestBody body) {
    RequestBody options = body.object("stream_options");
    if (!options.root().isEmpty() && !body.flag("stream", false)) {
      throw ApiException.invalid("stream_options needs stream", "stream_options");
    }
    return options.flag("include_usage", false);
  }
}
