package dev.quire.cli;

import java.io.Serial;

/** A command could not do what was asked, for a reason the user can read: exit code 1. */
final class Failure extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  Failure(String message) {
    super(message);
  }
}
