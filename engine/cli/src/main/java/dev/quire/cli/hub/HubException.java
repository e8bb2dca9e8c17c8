package dev.quire.cli.hub;

import java.io.Serial;

/** What a hub refused or got wrong, in one line. */
public final class HubException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  public HubException(String message) {
    super(message);
  }
}
