package dev.quire.server;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a client sends, read ahead by one piece while its request is answered: that is how a client
 * that went away is noticed before anything is written to it. What was read belongs to the next
 * request on the connection.
 */
final class ClientConnection implements Supplier<byte @Nullable []> {
  // A connection has a thread of its own, on which its requests are handled one after the other.
  private static final ThreadLocal<@Nullable ClientConnection> CURRENT = new ThreadLocal<>();

  private final HelidonSocket socket;
  private final DataReader identified;
  private @Nullable CompletableFuture<byte @Nullable []> ahead;
  private volatile boolean gone;
  private volatile boolean last;

  private ClientConnection(HelidonSocket socket, DataReader identified) {
    this.socket = socket;
    this.identified = identified;
  }

  /** The connection whose request this thread handles; null outside of one. */
  static @Nullable ClientConnection current() {
    return CURRENT.get();
  }

  /** Reads ahead, on a thread of its own. */
  synchronized void watch() {
    if (ahead == null && !gone) {
      var read = new CompletableFuture<byte @Nullable []>();
      ahead = read;
      Thread.ofVirtual().name("quire-client").start(() -> readAhead(read));
    }
  }

  private void readAhead(CompletableFuture<byte @Nullable []> read) {
    byte[] bytes = null;
    try {
      bytes = socket.get();
    } catch (RuntimeException e) {
      // A connection that breaks is one that ends.
    }
    gone = bytes == null;
    read.complete(bytes);
  }

  boolean isConnected() {
    return !gone;
  }

  /** After the answer under way nothing more is read, so that the web server closes. */
  void endAfterAnswer() {
    last = true;
  }

  void close() {
    gone = true;
    socket.close();
  }

  /** The next piece for the web server: first what it has read to recognise the protocol. */
  @Override
  public byte @Nullable [] get() {
    if (last) {
      return null;
    }
    int left = identified.available();
    if (left > 0) {
      return identified.readBytes(left);
    }
    CompletableFuture<byte @Nullable []> read;
    synchronized (this) {
      read = ahead;
      ahead = null;
    }
    return read == null ? socket.get() : read.join();
  }

  /** HTTP/1.1 on such connections. */
  static final class Selector implements ServerConnectionSelector {
    private final Http1ConnectionSelector http;

    Selector(Http1Config config) {
      this.http = Http1ConnectionSelector.builder().config(config).build();
    }

    @Override
    public int bytesToIdentifyConnection() {
      return http.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
      return http.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
      return http.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
      var client = new ClientConnection(context.serverSocket(), context.dataReader());
      CURRENT.set(client);
      return http.connection(new WatchedContext(context, DataReader.create(client)));
    }
  }

  /** A connection as the web server made it, but for what is read from. */
  private record WatchedContext(ConnectionContext context, DataReader dataReader)
      implements ConnectionContext {
    @Override
    public ListenerContext listenerContext() {
      return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
      return context.executor();
    }

    @Override
    public DataWriter dataWriter() {
      return context.dataWriter();
    }

    @Override
    public Router router() {
      return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
      return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
      return context.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
      return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
      return context.localPeer();
    }

    @Override
    public boolean isSecure() {
      return context.isSecure();
    }

    @Override
    public String socketId() {
      return context.socketId();
    }

    @Override
    public String childSocketId() {
      return context.childSocketId();
    }
  }
}
