package dev.quire.server;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A request that is answered with an error, in OpenAI's shape. */
final class ApiException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final @Nullable String parameter;
  private final @Nullable String code;

  ApiException(
      int status, String type, String message, @Nullable String parameter, @Nullable String code) {
    super(message);
    this.status = status;
    this.type = type;
    this.parameter = parameter;
    this.code = code;
  }

  static ApiException invalid(String message, @Nullable String parameter) {
    return new ApiException(400, "invalid_request_error", message, parameter, null);
  }

  int status() {
    return status;
  }

  String type() {
    return type;
  }

  @Nullable String parameter() {
    return parameter;
  }

  @Nullable String code() {
    return code;
  }
}
