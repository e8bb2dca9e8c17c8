package dev.quire.cli.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A child JVM in place of this one: its streams, its signals, its exit code. */
final class ChildJvm {
  private static final byte[] INCUBATOR_LINE =
      "WARNING: Using incubator modules: jdk.incubator.vector".getBytes(StandardCharsets.US_ASCII);

  private ChildJvm() {}

  /**
   * Runs a command to its end.
   *
   * @param dropIncubatorLine whether to relay stderr byte for byte without the line that a JVM
   *     prints for {@code --add-modules jdk.incubator.vector}; else stderr is inherited
   * @param environment variables that the child gets besides this process's own
   * @return the exit code, 128 + n after signal n
   */
  static int run(List<String> command, boolean dropIncubatorLine, Map<String, String> environment)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().putAll(environment);
    if (dropIncubatorLine) {
      builder.redirectError(ProcessBuilder.Redirect.PIPE);
    }
    Process child = builder.start();
    // The terminal sends Ctrl-C to both processes; the child then gets it twice, and takes signals
    // that follow within a moment for one.
    passOn("INT", child);
    passOn("TERM", child);
    passOn("HUP", child);
    if (dropIncubatorLine) {
      relay(child.getErrorStream(), System.err);
    }
    while (true) {
      try {
        return child.waitFor();
      } catch (InterruptedException e) {
        // Nobody interrupts this thread with a meaning; the child's end is what counts.
      }
    }
  }

  /** Copies {@code in} to {@code out}, all but the incubator line if it comes first. */
  static void relay(InputStream in, PrintStream out) throws IOException {
    int matched = 0;
    int next = in.read();
    while (matched < INCUBATOR_LINE.length && next == INCUBATOR_LINE[matched]) {
      matched++;
      next = in.read();
    }
    if (matched == INCUBATOR_LINE.length) {
      while (next >= 0 && next != '\n') {
        next = in.read();
      }
      next = next < 0 ? -1 : in.read();
    } else {
      out.write(INCUBATOR_LINE, 0, matched);
    }
    if (next >= 0) {
      out.write(next);
    }
    out.flush();
    copy(in, out);
  }

  private static void copy(InputStream in, OutputStream out) throws IOException {
    byte[] buffer = new byte[8192];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      out.write(buffer, 0, n);
      out.flush();
    }
  }

  /** Hands a signal to the child instead of dying from it. {@code sun.misc.Signal} is in no API. */
  private static void passOn(final String name, final Process child) {
    try {
      Class<?> signalType = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object signal = signalType.getConstructor(String.class).newInstance(name);
      Object handler =
          Proxy.newProxyInstance(
              Launcher.class.getClassLoader(),
              new Class<?>[] {handlerType},
              new InvocationHandler() {
                @Override
                public @Nullable Object invoke(Object proxy, Method method, Object[] arguments) {
                  if (method.getName().equals("handle")) {
                    send(name, child);
                    return null;
                  }
                  return method.getName().equals("hashCode") ? (Object) 0 : (Object) false;
                }
              });
      signalType.getMethod("handle", signalType, handlerType).invoke(null, signal, handler);
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      // A platform without this signal: its default stands.
    }
  }

  private static void send(String signal, Process child) {
    try {
      new ProcessBuilder("kill", "-" + signal, String.valueOf(pid(child))).start().waitFor();
    } catch (ReflectiveOperationException | IOException e) {
      child.destroy();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static long pid(Process child) throws ReflectiveOperationException {
    try {
      return (Long) Process.class.getMethod("pid").invoke(child);
    } catch (NoSuchMethodException java8) {
      Field pid = child.getClass().getDeclaredField("pid");
      pid.setAccessible(true);
      return pid.getInt(child);
    }
  }
}
