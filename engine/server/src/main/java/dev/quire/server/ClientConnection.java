package dev.quire.server;

import io.helidon.common.socket.HelidonSocket;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request's handler see its connection: whether the client is still there. A connection has
 * a thread of its own, on which its requests are handled one after the other.
 */
final class ClientConnection implements Http1ConnectionListener {
  private static final ThreadLocal<@Nullable ConnectionContext> CURRENT = new ThreadLocal<>();

  /** The socket of the request that this thread handles; null outside of one. */
  static @Nullable HelidonSocket current() {
    ConnectionContext context = CURRENT.get();
    return context == null ? null : context.serverSocket();
  }

  @Override
  public void prologue(ConnectionContext context, HttpPrologue prologue) {
    CURRENT.set(context);
  }
}
