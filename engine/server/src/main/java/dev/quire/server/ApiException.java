package dev.quire.server;

import dev.quire.engine.QuireException;
import java.io.Serial;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

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

  static ApiException stopping() {
    return new ApiException(503, "server_error", "the server is stopping", null, "stopping");
  }

  /** The field of a request for a setting of the engine: {@code top_p} for {@code topP}. */
  private static String field(String setting) {
    return setting.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  /** What an exception of the engine says to a client. */
  static ApiException of(QuireException e) {
    String message = e.message(ApiException::field);
    return switch (e.kind()) {
      case INVALID -> {
        String setting = e.setting();
        yield invalid(message, setting == null ? null : field(setting.replaceFirst(" .*", "")));
      }
      case OVERLOADED ->
          new ApiException(429, "rate_limit_error", message, null, "rate_limit_exceeded");
      case CLOSED, INTERRUPTED -> stopping();
      case FAILED -> {
        // Of one request's making: its bans leave no token, or its samples need too many blocks.
        boolean own = message.contains("every token is banned") || message.contains("do not fit");
        yield own
            ? invalid(message, null)
            : new ApiException(500, "server_error", message, null, null);
      }
    };
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

  /** The error as OpenAI writes it. */
  ObjectNode json() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ObjectNode error = root.putObject("error");
    error.put("message", getMessage());
    error.put("type", type);
    error.put("param", parameter);
    error.put("code", code);
    return root;
  }
}
