package dev.quire.server;

import dev.quire.engine.QuireException;

/** Errors after a stream has begun: its status is sent, so they become an event. */
final class StreamErrors {
  private StreamErrors() {}

  static void guard(EventStream events, Runnable body) {
    ApiException error;
    try {
      body.run();
      return;
    } catch (ApiException e) {
      error = e;
    } catch (QuireException e) {
      error = ApiException.of(e);
    }
    if (error.status() == 499) {
      throw error; // nobody is there to read it
    }
    events.send(error.json());
  }
}
