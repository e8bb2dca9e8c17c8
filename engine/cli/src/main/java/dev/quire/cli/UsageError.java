package dev.quire.cli;

import java.io.Serial;

/** The command line asks for something that makes no sense: exit code 2. */
final class UsageError extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  UsageError(String message) {
    super(message);
  }
}
