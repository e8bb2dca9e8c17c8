package dev.quire.server;

import dev.quire.engine.FinishReason;

/** Why a sample ended, in the API's words. */
final class Finish {
  private Finish() {}

  static String reason(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED -> "abort";
      case ERROR -> "error";
    };
  }
}
